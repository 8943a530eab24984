import { test } from "tap";
import { Container } from "../src/containers/container.ts";
import type { ContainerDocument, ContainerState } from "../src/containers/document.ts";
import { type AfterExit, decideAfterExit, decideAtStartup } from "../src/containers/lifecycle/decide.ts";
import { admit, type Verb } from "../src/containers/lifecycle/table.ts";

type Change = Partial<Omit<ContainerDocument, "state">> & { readonly state?: Partial<ContainerState> };

function documentWith({ state, ...change }: Change = {}): ContainerDocument {
  return {
    id: "f00d",
    name: "web",
    created: "2026-01-01T00:00:00Z",
    imageId: "sha256:0",
    config: { Image: "busybox" },
    hostConfig: {},
    endpoints: {},
    ports: [],
    mounts: [],
    restartCount: 0,
    stoppedOnRequest: false,
    runtime: "oci-runtime",
    ...change,
    state: {
      Running: false,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: 0,
      ExitCode: 0,
      Error: "",
      StartedAt: "2026-01-01T00:00:00Z",
      FinishedAt: "2026-01-01T00:00:01Z",
      ...state,
    },
  };
}

const policy = (Name: string, MaximumRetryCount = 0) => ({
  hostConfig: { RestartPolicy: { Name, MaximumRetryCount } },
});
const rm = { hostConfig: { AutoRemove: true } };

test("after an exit: by its reason first, then by the policies", async (t) => {
  const cases: [string, Change, AfterExit][] = [
    ["no policy", {}, { kind: "stay" }],
    ["AutoRemove", rm, { kind: "remove" }],
    ["AutoRemove, stopped", { ...rm, endReason: "stop" }, { kind: "remove" }],
    ["AutoRemove, shutdown", { ...rm, endReason: "shutdown" }, { kind: "remove" }],
    ["AutoRemove, restarted by a user", { ...rm, endReason: "restart" }, { kind: "stay" }],
    ["AutoRemove, forced removal", { ...rm, removal: { volumes: false } }, { kind: "stay" }],
    ["always", policy("always"), { kind: "restart", delayMs: 100 }],
    ["always, stopped", { ...policy("always"), endReason: "stop", stoppedOnRequest: true }, { kind: "stay" }],
    ["always, killed", { ...policy("always"), endReason: "kill", stoppedOnRequest: true }, { kind: "stay" }],
    ["always, restarted by a user", { ...policy("always"), endReason: "restart" }, { kind: "stay" }],
    ["always, shutdown", { ...policy("always"), endReason: "shutdown" }, { kind: "stay" }],
    ["always, forced removal", { ...policy("always"), removal: { volumes: true } }, { kind: "stay" }],
    ["always, again", { ...policy("always"), restartDelayMs: 100 }, { kind: "restart", delayMs: 200 }],
    ["always, for long", { ...policy("always"), restartDelayMs: 40_000 }, { kind: "restart", delayMs: 60_000 }],
    ["on-failure", policy("on-failure", 2), { kind: "restart", delayMs: 100 }],
    ["on-failure, too often", { ...policy("on-failure", 2), restartCount: 2 }, { kind: "stay" }],
  ];
  for (const [name, change, expected] of cases) {
    t.same(decideAfterExit(documentWith(change), { exitCode: 1, ranMs: 1000 }), expected, name);
  }
  t.same(decideAfterExit(documentWith(policy("on-failure")), { exitCode: 0, ranMs: 0 }), { kind: "stay" });
  const steady = documentWith({ ...policy("always"), restartDelayMs: 6400 });
  t.same(decideAfterExit(steady, { exitCode: 1, ranMs: 10_000 }), { kind: "restart", delayMs: 100 });
});

test("at a start of the engine: unfinished work first, then the policies", async (t) => {
  const at = (change: Change) => decideAtStartup(documentWith(change), Date.parse("2026-01-01T00:00:07Z"));
  const running = { state: { Running: true } };
  t.same(at({ removal: { volumes: true }, ...running }), { kind: "remove", volumes: true });
  t.same(at({ endReason: "restart", ...running }), { kind: "restart", options: {} });
  t.same(at({ endReason: "restart" }), { kind: "restart", options: {} });
  const stopRequest = { signal: "USR1", timeout: 10, since: "2026-01-01T00:00:00Z" };
  t.same(at({ endReason: "restart", stopRequest }), { kind: "restart", options: { signal: "USR1", timeout: 3 } });
  t.same(at({ endReason: "stop", ...running, stopRequest }), { kind: "stop", options: { signal: "USR1", timeout: 3 } });
  const forever = { ...stopRequest, timeout: -1 };
  t.same(at({ endReason: "stop", ...running, stopRequest: forever }), {
    kind: "stop",
    options: { signal: "USR1", timeout: -1 },
  });
  t.same(at({ endReason: "stop", ...running, stopRequest: { ...stopRequest, timeout: 5 } }), {
    kind: "stop",
    options: { signal: "USR1", timeout: 0 },
  });
  t.same(at({ endReason: "stop" }), { kind: "stay" });
  t.same(at(running), { kind: "stay" });
  t.same(at({ state: { Running: true, Restarting: true }, restartDelayMs: 800 }), {
    kind: "restartLater",
    delayMs: 800,
  });
  t.same(at(rm), { kind: "remove", volumes: true });
  t.same(at({ ...rm, state: { StartedAt: "0001-01-01T00:00:00Z" } }), { kind: "stay" });
  t.same(at(policy("always")), { kind: "start" });
  t.same(at({ ...policy("always"), state: { StartedAt: "0001-01-01T00:00:00Z" } }), { kind: "stay" });
  t.same(at({ ...policy("unless-stopped"), endReason: "shutdown" }), { kind: "start" });
  t.same(at({ ...policy("unless-stopped"), stoppedOnRequest: true }), { kind: "stay" });
  t.same(at({ ...policy("on-failure"), endReason: "shutdown", state: { ExitCode: 143 } }), { kind: "start" });
  t.same(at({ ...policy("on-failure"), state: { ExitCode: 1 } }), { kind: "stay" });
});

const states: Readonly<Record<string, Change>> = {
  created: { state: { StartedAt: "0001-01-01T00:00:00Z" } },
  running: { state: { Running: true } },
  paused: { state: { Running: true, Paused: true } },
  restarting: { state: { Running: true, Restarting: true } },
  exited: {},
  removing: { removal: { volumes: false }, state: { Running: true } },
  dead: { state: { Dead: true } },
};

/** How each verb is answered in the states above, in their order: performed, skipped, or refused. */
const expected: Readonly<Record<Verb, string>> = {
  start: "perform skip refused skip perform refused refused",
  stop: "skip perform perform perform skip skip skip",
  kill: "refused perform perform perform refused refused refused",
  restart: "perform perform perform perform perform refused refused",
  pause: "refused perform refused refused refused refused refused",
  unpause: "refused refused perform refused refused refused refused",
  remove: "perform refused refused refused perform refused perform",
  forceRemove: "perform perform perform perform perform refused perform",
  attach: "perform perform refused refused perform refused refused",
  exec: "refused perform refused refused refused refused refused",
  join: "refused perform perform refused refused refused refused",
  top: "refused perform perform refused refused refused refused",
  resize: "refused perform perform refused refused refused refused",
  commit: "perform perform perform perform perform refused refused",
  logs: "perform perform perform perform perform refused refused",
  connect: "perform perform perform perform perform refused refused",
  rename: "perform perform perform perform perform refused perform",
  wait: "perform perform perform perform perform perform perform",
};

test("each verb in each state", async (t) => {
  for (const [verb, answers] of Object.entries(expected)) {
    const answer = (change: Change) => {
      try {
        return admit(verb as Verb, new Container(documentWith(change)));
      } catch (error) {
        t.match(error, { code: "FailedPrecondition" });
        return "refused";
      }
    };
    t.equal(Object.values(states).map(answer).join(" "), answers, verb);
  }
  const gone = new Container(documentWith());
  gone.lifecycle.announceRemoval(gone.lastExit);
  t.throws(() => admit("start", gone), { code: "NotFound", message: "No such container: f00d" });
});
