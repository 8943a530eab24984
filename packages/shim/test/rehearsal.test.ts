import { readdirSync, readFileSync } from "node:fs";
import { Clock } from "@gantry/common/clock";
import { EventLog } from "@gantry/ipc";
import { nativeSys } from "@gantry/native-sys";
import { tempDir, waitFor } from "@gantry/testkit";
import { test } from "tap";
import type { ShimContext, ShimEvent } from "../src/context.ts";
import { ErrorLog } from "../src/error-log.ts";
import { Journal } from "../src/journal.ts";
import { rehearse } from "../src/rehearsal.ts";
import { StateFiles } from "../src/state.ts";
import { ReadBuffer } from "../src/stdio/output.ts";
import { testKept } from "./support/kept.ts";
import { finish, startShim } from "./support/shim.ts";

test("a rehearsal goes from create to delete and leaves nothing", async (t) => {
  await using place = tempDir("rehearsal");
  await using context = await contextIn(place.path);
  let asked = 0;
  const isWanted = () => {
    asked += 1;
    return true;
  };
  await rehearse(context, isWanted);
  t.equal(asked, 2, "it came to its last step");
  const before = descriptors();
  await rehearse(context, isWanted);
  // The log's file is closed by another thread.
  await waitFor(() => descriptors() === before);
  t.same(readdirSync(place.path), ["keeper.sock"]);
  t.equal(context.events.last, 0);
  t.match(await context.kept.client.list(), { settling: false, processes: [] }, "no process is left");
  t.equal((await context.kept.client.list()).descriptors.size, 0);
});

test("a rehearsal that is not wanted any more ends early, and leaves nothing either", async (t) => {
  await using place = tempDir("rehearsal");
  await using context = await contextIn(place.path);
  await rehearse(context, () => false);
  t.same(readdirSync(place.path), ["keeper.sock"]);
  t.match(await context.kept.client.list(), { settling: false, processes: [] }, "no process is left");
  t.equal((await context.kept.client.list()).descriptors.size, 0);
});

test("a container that comes while its shim rehearses is not touched by that", async (t) => {
  await using shim = await startShim();
  await waitFor(() => readdirSync(shim.directory).includes("rehearsal"));
  await shim.create({ args: ["sh", "-c", "exit 7"] });
  await shim.client.call("start", {});
  t.equal((await shim.client.call("wait", {})).exitStatus, 7);
  const topics: string[] = [];
  for await (const { value } of shim.client.open("events", { from: 0 }).items) {
    topics.push(`${value.id === shim.id} ${value.topic}`);
    if (value.topic === "exit") break;
  }
  t.same(topics, ["true create", "true start", "true exit"]);
  await waitFor(() => !readdirSync(shim.directory).includes("rehearsal"));
  t.match(JSON.parse(readFileSync(`${shim.directory}/task.json`, "utf8")), { id: shim.id });
  await finish(shim);
});

async function contextIn(directory: string): Promise<ShimContext & AsyncDisposable> {
  const sys = nativeSys();
  const clock = new Clock();
  const kept = await testKept(directory);
  return {
    directory,
    sys,
    clock,
    kept,
    prefix: "",
    errors: new ErrorLog(`${directory}/shim.log`, clock),
    events: new EventLog<ShimEvent>(16),
    files: new StateFiles(directory),
    journal: new Journal(`${directory}/journal`, 16),
    buffer: new ReadBuffer(),
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}
