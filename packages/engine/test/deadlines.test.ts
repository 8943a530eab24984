import type { CallOptions } from "@gantry/ipc";
import { RpcError } from "@gantry/ipc";
import { test } from "tap";
import type { Supervisor } from "../src/supervisor/link.ts";
import { RootFilesystems } from "../src/supervisor/root-filesystems.ts";
import { Tasks } from "../src/supervisor/tasks.ts";

const defaultMs = 30_000;

/** A supervisor whose every call takes a while, in a time that does not pass here. */
function slowSupervisor(takesMs: number): Supervisor {
  const call = async (method: string, _: unknown, { timeoutMs = defaultMs }: CallOptions = {}) => {
    if (timeoutMs > 0 && timeoutMs < takesMs) throw new RpcError("DeadlineExceeded", `${method} took too long`);
    return { pid: 1, path: "/rootfs", size: 0, snapshots: [] };
  };
  return { call, open: () => {} } as unknown as Supervisor;
}

const stdio = { terminal: false, stdin: false, stdinOnce: false };

test("work that depends on the size of an image or the speed of a disk has no deadline", async (t) => {
  const supervisor = slowSupervisor(3_600_000);
  const tasks = new Tasks(supervisor);
  const rootfs = new RootFilesystems(supervisor);
  await t.resolves(rootfs.create("id", "parent"));
  await t.resolves(rootfs.remove("id"));
  await t.resolves(rootfs.size("id"));
  await t.resolves(rootfs.list());
  await t.resolves(rootfs.withMounted("id", async (path) => t.equal(path, "/rootfs")));
  await t.resolves(tasks.create("id", stdio));
  await t.resolves(tasks.exec("id", "exec", { process: {}, user: "0", stdio }));
  await t.resolves(tasks.start({ containerId: "id" }));
  await t.resolves(tasks.delete({ containerId: "id" }));
  await t.resolves(tasks.wait({ containerId: "id" }));
});

test("a signal may take as long as the supervisor gives the shim for it", async (t) => {
  const tasks = new Tasks(slowSupervisor(120_000));
  await t.resolves(tasks.kill("id", 9));
  await t.resolves(tasks.pause("id"));
  await t.resolves(tasks.resume("id"));
  await t.rejects(new Tasks(slowSupervisor(600_000)).kill("id", 9), { code: "DeadlineExceeded" });
});

test("a root file system is unmounted after work that fails", async (t) => {
  const calls: string[] = [];
  const supervisor = {
    call: async (method: string) => {
      calls.push(method);
      return { path: "/rootfs" };
    },
  } as unknown as Supervisor;
  const failing = new RootFilesystems(supervisor).withMounted("id", async () => {
    throw new Error("injected");
  });
  await t.rejects(failing, { message: "injected" });
  t.same(calls, ["containers.mountRootfs", "containers.unmountRootfs"]);
});
