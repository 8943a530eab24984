/** Where a container finds the socket of sd_notify(3): runc's place. */
export const notifyPlace = "/run/notify";
export const notifyName = "notify.sock";
/** What its first process is told of it, and no other. */
export const notifyVariable = `NOTIFY_SOCKET=${notifyPlace}/${notifyName}`;
