import { test } from "tap";
import type { TaskRow } from "../src/metadata/tasks.ts";
import { changeBy, changeByExit, type ShimEvent } from "../src/tasks/shim-events.ts";

const row: TaskRow = {
  ...{ namespace: "n", containerId: "c", shimDirectory: "/s", shimAddress: "ipc:///s/shim.sock", shimPid: 3 },
  ...{ runtime: { path: "/r", root: "/root", worker: false }, terminal: false, status: "running", pid: 7 },
  ...{ lastEvent: 4, exitStatus: undefined, exitedAt: undefined, reason: undefined },
};
const time = "2026-01-02T03:04:05.000000006Z";
const event = (fields: Partial<ShimEvent>): ShimEvent => ({ sequence: 5, time, topic: "oom", id: "c", ...fields });

test("an event changes its task and is published with the supervisor's topic", async (t) => {
  t.match(changeBy(event({ topic: "paused" }), row), {
    state: { status: "paused", lastEvent: 5, pid: 7 },
    events: [{ topic: "/tasks/paused", namespace: "n", id: "c", time }],
  });
  t.match(changeBy(event({ topic: "exit", exitStatus: 3, pid: 7 }), row), {
    state: { status: "stopped", lastEvent: 5, exitStatus: 3, exitedAt: time },
    events: [{ topic: "/tasks/exit", exitStatus: 3, pid: 7 }],
  });
  t.match(changeBy(event({ topic: "exit", execId: "e", exitStatus: 3 }), row), {
    state: { status: "running", lastEvent: 5, exitStatus: undefined },
    events: [{ topic: "/tasks/exit", execId: "e" }],
  });
  t.same(changeBy(event({ topic: "delete" }), row).events, []);
});

test("an exit that is known before its event is published once, and nothing revives the task", async (t) => {
  const { state, events } = changeByExit(row, { exitStatus: 9, exitedAt: time, reason: undefined });
  t.match(state, { status: "stopped", exitStatus: 9, exitedAt: time });
  t.match(events, [{ topic: "/tasks/exit", id: "c", pid: 7, exitStatus: 9, time }]);
  const stopped = { ...row, ...state };
  t.same(changeByExit(stopped, { exitStatus: 9, exitedAt: time, reason: undefined }).events, []);
  for (const topic of ["paused", "resumed", "exit"] as const) {
    const change = changeBy(event({ topic, exitStatus: 137 }), stopped);
    t.match(change, { state: { status: "stopped", exitStatus: 9, lastEvent: 5 } }, topic);
    t.same(change.events, [], topic);
  }
  t.match(
    changeBy(event({ topic: "exit", execId: "e" }), stopped).events,
    [{ execId: "e" }],
    "execs are still reported",
  );
});
