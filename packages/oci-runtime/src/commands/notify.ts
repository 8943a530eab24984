import type { Host } from "../host.ts";
import type { CreateRequest } from "../run/create/create.ts";
import { startContainer } from "../run/start.ts";
import type { Context } from "./context.ts";

/** Adds the socket of sd_notify(3) where the program's caller waits for its messages. */
export async function withNotifySocket<Request extends Pick<CreateRequest, "id" | "bundle" | "spec">>(
  { environment, store }: Pick<Context, "environment" | "store">,
  request: Request,
): Promise<Request> {
  if (!environment["NOTIFY_SOCKET"]) return request;
  const { addNotifySocket } = await import("../run/notify/notify.ts");
  return addNotifySocket(store, request);
}

/**
 * Starts a created container.
 * @param stays this program is there as long as the container: the main process of a service is itself
 * @returns a promise that resolves once the container is ready or never will be; at once without a notification socket
 * @throws as startContainer
 */
export async function startNotifying(
  host: Host,
  { environment, store }: Pick<Context, "environment" | "store">,
  { id, stays }: { readonly id: string; readonly stays: boolean },
): Promise<{ readonly notified: Promise<void> }> {
  const address = environment["NOTIFY_SOCKET"];
  if (address) {
    const { startWithNotifySocket } = await import("../run/notify/notify.ts");
    return startWithNotifySocket(host, store, { id, stays, address });
  }
  await startContainer(host, store, id);
  return { notified: Promise.resolve() };
}
