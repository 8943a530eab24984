/** Where a container finds the socket of sd_notify(3): runc's place. */
export const notifyPlace = "/run/notify";
export const notifyName = "notify.sock";
/** The variable that the container's first process alone gets. */
export const notifyVariable = `NOTIFY_SOCKET=${notifyPlace}/${notifyName}`;
