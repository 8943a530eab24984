import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { memoryNetwork } from "@gantry/ipc";
import { runtimeContract } from "@gantry/ipc/contracts/runtime";
import { defaultCapabilities, defaultSeccompProfile, exampleSpec, parseSpec } from "@gantry/oci-spec/runtime";
import { cgroupManager } from "../cgroup/manager.ts";
import { cgroupPaths } from "../cgroup/paths.ts";
import type { Host } from "../host.ts";
import { compile } from "../plan/compile.ts";
import { encode } from "../plan/encode.ts";
import { type Op, type Plan, slotsFor } from "../plan/op.ts";
import { launch } from "../run/launch/launch.ts";
import { runtimeHandlers } from "./handlers.ts";

const name = "warm-up";
/** No file can be below it. */
const nowhere = "/dev/null";
/** Enough for the JS runtime to be warm: the fourth compilation takes a tenth of the first one's time. */
const compilations = 4;

/**
 * Does the work that needs no container before the first request: compiles the usual configuration and its seccomp profile,
 * answers requests for a container that cannot be, and runs the code of a creation up to a helper that is to run a
 * directory and so ends at once.
 *
 * @param isIdle checked between the steps: a real request ends the warm-up
 */
export async function warmUp(host: Host, isIdle: () => boolean): Promise<void> {
  const steps = [
    ...Array(compilations).fill(() => compileExample(host)),
    () => answer(host),
    () => start(host),
    collect,
  ];
  for (const step of steps) {
    if (!isIdle()) return;
    await step();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The garbage of the warm-up (3 MB of 16) would stay, for want of anything that needs its room; the code is kept. */
function collect(): void {
  setFlagsFromString("--no-flush-bytecode");
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as (options: { type: "major"; flavor: "last-resort" }) => void;
  gc({ type: "major", flavor: "last-resort" });
}

/** The way of a request through messages, checks and streams, to a failure before anything is changed. */
async function answer(host: Host): Promise<void> {
  const network = memoryNetwork();
  const server = await network.serve(runtimeContract, runtimeHandlers(host), { endpoint: name });
  const client = network.connect(runtimeContract, { endpoint: name });
  const container = { root: nowhere, id: name };
  const requests = [
    client.call("create", { ...container, bundle: nowhere, streams: { stdout: "/dev/null", stderr: "/dev/null" } }),
    client.call("start", container),
    client.call("delete", container),
  ];
  await Promise.allSettled(requests);
  client.close();
  await server.close({ deadlineMs: 0 });
}

async function start(host: Host): Promise<void> {
  const ops: Op[] = [{ op: "program", why: name, name: "/", path: "" }];
  const streams = [0, 1, 2];
  const plan: Plan = { cloneFlags: 0, cgroup: undefined, forks: false, ops };
  await launch(host, { plan, streams, others: [], sibling: false }).catch(() => {});
}

function compileExample(host: Host): void {
  const example = exampleSpec({ pureCgroup2: true });
  const seccomp = defaultSeccompProfile(defaultCapabilities, host.facts.arch);
  const spec = parseSpec(JSON.stringify({ ...example, linux: { ...example.linux, seccomp } }));
  const paths = cgroupPaths(host.facts, undefined, name);
  const cgroup = cgroupManager(host.facts, paths);
  const plan = compile({
    spec,
    facts: host.facts,
    options: {
      id: name,
      bundle: "/",
      rootfs: "/rootfs",
      cgroupFiles: cgroup.joinFiles(),
      cloneInto: cgroup.cloneInto(),
      cgroupPaths: paths,
      slots: slotsFor(0),
      noPivot: false,
      newKeyring: true,
    },
  });
  encode(plan, host.makeFilter);
}
