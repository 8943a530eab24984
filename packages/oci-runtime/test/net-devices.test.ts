import { execFileSync } from "node:child_process";
import { waitFor } from "@gantry/testkit";
import { test } from "tap";
import { operations } from "../src/plan/generated/ops.ts";
import { createContainer } from "../src/run/create/create.ts";
import { Box, cannotRun } from "./box.ts";
import { impossible, tampered } from "./tamper.ts";

/** Network interfaces of the host that a container gets. */

const skip = cannotRun() ?? false;
const ip = (...args: string[]) => execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
const name = (suffix: string) => `oci${process.pid % 100_000}${suffix}`;

/** One end of a veth pair of the host with addresses; gone at the end, wherever it is then. */
function device(suffix: string): { name: string; peer: string } & Disposable {
  const link = name(suffix);
  ip("link", "add", link, "type", "veth", "peer", "name", `${link}p`);
  ip("addr", "add", "192.0.2.7/24", "dev", link);
  ip("addr", "add", "2001:db8::7/64", "dev", link, "nodad");
  return { name: link, peer: `${link}p`, [Symbol.dispose]: () => void deleted(`${link}p`) };
}

/** The kernel may be at it already, with the container's namespace. */
function deleted(link: string): boolean {
  try {
    ip("link", "delete", link);
    return true;
  } catch {
    return false;
  }
}

function here(link: string): boolean {
  try {
    ip("link", "show", link);
    return true;
  } catch {
    return false;
  }
}

test("an interface moves in with its addresses, up, under its new name", { skip }, async (t) => {
  await using box = new Box();
  using moving = device("a");
  using other = device("b");
  box.configure("ip -o addr; ip -o link", (spec) => {
    spec.linux.netDevices = { [moving.name]: { name: "inside" }, [other.name]: { name: "eth%d" } };
  });
  const { stdout, stderr } = await box.run();
  t.match(stdout, /inside +inet 192\.0\.2\.7\/24 /, stderr);
  t.match(stdout, /inside +inet6 2001:db8::7\/64 /);
  t.match(stdout, /eth0 +inet 192\.0\.2\.7\/24 /, "the kernel has found a number");
  t.match(stdout, /inside(@\w+)?: <[^>]*\bUP\b/);
  await waitFor(() => !here(moving.peer), { what: "the pair to go with the container's namespace", timeoutMs: 30_000 });
});

test("interfaces that cannot be moved are named, and a failure moves all back", { skip }, async (t) => {
  await using box = new Box();
  using moving = device("c");
  ip("link", "set", moving.name, "up");
  const before = ip("-o", "addr", "show", moving.name).replace(/^\d+/gm, "");
  const same = (what: string) => t.equal(ip("-o", "addr", "show", moving.name).replace(/^\d+/gm, ""), before, what);
  const refused = async (netDevices: Record<string, { name?: string }>, message: RegExp) => {
    box.configure("true", (spec) => {
      spec.linux.netDevices = netDevices;
    });
    await t.rejects(box.run(), { message });
    same(String(message));
  };
  await refused({ nothing: {} }, /linux\.netDevices\.nothing: there is no such interface/);
  await refused({ [moving.name]: { name: "lo" } }, /the container has an interface lo already/);
  await refused({ [moving.name]: {}, nothing: {} }, /linux\.netDevices\.nothing/);
  box.configure("true", (spec) => {
    spec.linux.netDevices = { [moving.name]: { name: "inside" } };
  });
  const host = tampered(box.host, {
    edit: (plan) =>
      plan.with(
        plan.findIndex(({ number }) => number === operations.pivot.number),
        impossible,
      ),
  });
  await t.rejects(createContainer(host, box.store, box.request(box.newId(), [0, 1, 2])), { code: "ENOSYS" });
  same("a failure later");
});

test("settings of a namespace that is joined and is the host's are refused, all at once", { skip }, async (t) => {
  await using box = new Box();
  box.configure("true", (spec) => {
    const joined = { network: "net", uts: "uts", ipc: "ipc" } as const;
    spec.linux.namespaces = (spec.linux.namespaces ?? []).map(({ type }) =>
      type in joined ? { type, path: `/proc/self/ns/${joined[type as keyof typeof joined]}` } : { type },
    );
    spec.linux.sysctl = { "net.ipv4.ip_forward": "1", "kernel.shmmni": "100", "fs.mqueue.msg_max": "5" };
    spec.linux.netDevices = { lo: { name: "x" } };
  });
  const error = await box.run().then(
    () => undefined,
    (error: unknown) => error,
  );
  t.match(error, {
    problems: [
      ...['linux.sysctl["net.ipv4.ip_forward"]', 'linux.sysctl["kernel.shmmni"]', 'linux.sysctl["fs.mqueue.msg_max"]'],
      ...["hostname", "linux.netDevices"],
    ].map((path) => ({ path, message: /is the host's/ })),
  });
});
