import { childrenOf, jsProgram, startTerminal, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { containerId, mainFile, scriptedContainer, standInEngine } from "./stand-in-engine.ts";

/** A shell-like program that shows what it is given. */
const echo = scriptedContainer(async ({ read, write }) => {
  await write("stdout", "ready\r\n");
  for (let chunk = await read(); chunk; chunk = await read()) {
    await write("stdout", `<${chunk.toString("hex")}>`);
    if (chunk.includes(4)) return 7;
  }
  return 0;
});

/** The flags of a terminal's modes, asked of the terminal itself. */
function isRaw(pid: number): boolean {
  const { execFileSync } = process.getBuiltinModule("node:child_process");
  return / -icanon/.test(execFileSync("stty", ["-a", "-F", `/proc/${pid}/fd/2`], { encoding: "utf8" }));
}

test("a terminal: every key goes to the container, the exit code comes back, the terminal is as before", async (t) => {
  await using engine = await standInEngine(echo);
  const script = `"$0" "$@"; echo "code=$?"; stty -a | tr ' ' '\\n' | grep -E '^-?(icanon|echo|opost)$' | tr '\\n' ' '; echo done`;
  await using terminal = startTerminal("sh", ["-c", script, jsProgram, mainFile, "run", "-it", "busybox"], {
    env: engine.env,
    columns: 100,
    rows: 40,
  });
  await terminal.expect(/ready/);
  terminal.send("a");
  await terminal.expect(/<61>/);
  terminal.send("\x03");
  await terminal.expect(/<03>/);
  terminal.send("\x04");
  await terminal.expect(/code=7/);
  const modes = await terminal.expect(/([^\r\n]*)done/);
  t.match(modes[1], /\bicanon\b/);
  t.notMatch(modes[1], /-icanon|-echo|-opost/);
  t.equal((await terminal.ended).code, 0);
  t.match(engine.requests("containerCreate")[0], {
    Config: { Tty: true, OpenStdin: true },
    HostConfig: { ConsoleSize: [40, 100] },
  });
  t.strictSame(engine.requests("containerStart")[0], { Id: containerId, ConsoleSize: [40, 100] });
});

test("a change of the terminal's size reaches the container", async (t) => {
  await using engine = await standInEngine(echo);
  await using terminal = startTerminal(jsProgram, [mainFile, "run", "-it", "busybox"], {
    env: engine.env,
  });
  await terminal.expect(/ready/);
  terminal.resize(132, 50);
  await waitFor(() => engine.requests("containerResize").length > 0);
  t.strictSame(engine.requests("containerResize").at(-1), { Id: containerId, Height: 50, Width: 132 });
  terminal.send("\x04");
  t.equal((await terminal.ended).code, 7);
});

test("the detach keys leave the container running and say nothing", async (t) => {
  await using engine = await standInEngine(echo);
  await using terminal = startTerminal(jsProgram, [mainFile, "run", "-it", "busybox"], {
    env: engine.env,
  });
  await terminal.expect(/ready\r*\n/);
  terminal.send("\x10x");
  await terminal.expect(/<1078>/);
  terminal.send("\x10");
  terminal.send("\x11");
  t.equal((await terminal.ended).code, 0);
  t.match(terminal.output(), /<1078>$/);
  t.strictSame(engine.requests("containerKill"), []);
});

test("--detach-keys names other keys", async (t) => {
  await using engine = await standInEngine(echo);
  await using terminal = startTerminal(jsProgram, [mainFile, "run", "-it", "--detach-keys", "ctrl-a,d", "busybox"], {
    env: engine.env,
  });
  await terminal.expect(/ready\r*\n/);
  terminal.send("\x10\x11");
  await terminal.expect(/<1011>/);
  terminal.send("\x01d");
  t.equal((await terminal.ended).code, 0);
});

test("a signal goes on to a container with a terminal, a change of size does so by the terminal alone", async (t) => {
  await using engine = await standInEngine({ ...echo, containerKill: async () => ({}) });
  await using terminal = startTerminal(jsProgram, [mainFile, "run", "-it", "busybox"], { env: engine.env });
  await terminal.expect(/ready/);
  terminal.resize(70, 20);
  await waitFor(() => engine.requests("containerResize").length > 0);
  process.kill(terminal.pid, "SIGTERM");
  await waitFor(() => engine.requests("containerKill").length > 0);
  t.match(engine.requests("containerKill"), [{ Signal: "SIGTERM" }]);
  terminal.send("\x04");
  t.equal((await terminal.ended).code, 7);
});

test("a signal that ends the client puts the terminal back first", async (t) => {
  await using engine = await standInEngine(echo);
  const script = `"$0" "$@"; echo "code=$?"; read line; echo "got=$line"`;
  await using terminal = startTerminal(
    "sh",
    ["-c", script, jsProgram, mainFile, "run", "-it", "--sig-proxy=false", "busybox"],
    {
      env: engine.env,
    },
  );
  await terminal.expect(/ready/);
  const pid = childrenOf(terminal.pid)[0] ?? -1;
  t.ok(isRaw(pid), "raw while attached");
  process.kill(pid, "SIGTERM");
  await terminal.expect(/code=143/);
  // lines are edited by the terminal again
  terminal.send("xy\x7fz\r");
  await terminal.expect(/got=xz/);
});

test("-t wants a terminal for its input", async (t) => {
  await using engine = await standInEngine(echo);
  const { code, stderr } = await engine.client(["run", "-it", "busybox"], { stdin: "" });
  t.equal(code, 1);
  t.equal(stderr, "the input device is not a TTY\n");
  t.strictSame(engine.calls, []);
});

test("attach to a terminal draws it anew, and detaches", async (t) => {
  await using engine = await standInEngine({
    ...echo,
    containerInspect: async () => ({
      Id: containerId,
      Config: { Tty: true, OpenStdin: true },
      State: { Running: true },
    }),
    containerAttach: async (_, { send, input }) => {
      await send({ attached: true });
      await send({ stream: "stdout" }, Buffer.from("here"));
      for await (const { value } of input) if (value.kind === "detach") return {};
      return {};
    },
  });
  await using terminal = startTerminal(jsProgram, [mainFile, "attach", "web"], {
    env: engine.env,
    columns: 80,
    rows: 24,
  });
  await terminal.expect(/here/);
  await waitFor(() => engine.requests("containerResize").length === 2);
  t.match(engine.requests("containerResize"), [
    { Height: 25, Width: 81 },
    { Height: 24, Width: 80 },
  ]);
  terminal.send("\x10\x11");
  t.equal((await terminal.ended).code, 0);
});

test("exec on a terminal has the size from the start", async (t) => {
  await using engine = await standInEngine({
    execCreate: async () => ({ Id: "e1" }),
    execStart: async (_, { send, input }) => {
      await send({ stream: "stdout" }, Buffer.from("# "));
      for await (const { value, blobs } of input) {
        if (value.kind === "stdin") await send({ stream: "stdout" }, ...blobs.map((blob) => Buffer.from(blob)));
        if (blobs.some((blob) => blob.includes(13))) return { ExitCode: 5 };
      }
      return { ExitCode: 0 };
    },
    execResize: async () => ({}),
  });
  await using terminal = startTerminal(jsProgram, [mainFile, "exec", "-it", "web", "sh"], {
    env: engine.env,
    columns: 90,
    rows: 30,
  });
  await terminal.expect(/# /);
  terminal.send("exit\r");
  t.equal((await terminal.ended).code, 5);
  t.match(engine.requests("execCreate")[0], { Tty: true, ConsoleSize: [30, 90], Cmd: ["sh"], AttachStdin: true });
});

test("a pull's progress is drawn in place on a terminal", async (t) => {
  await using engine = await standInEngine({
    imagePull: async (_, { send }) => {
      await send({ id: "aaaaaaaaaaaa", status: "Downloading", current: 1_200_000, total: 2_400_000 });
      await send({ id: "bbbbbbbbbbbb", status: "Waiting" });
      await send({ id: "aaaaaaaaaaaa", status: "Pull complete" });
      return { Name: "localhost:5000/app:1", Digest: "sha256:12", Changed: false };
    },
  });
  await using terminal = startTerminal(jsProgram, [mainFile, "pull", "localhost:5000/app:1"], {
    env: engine.env,
    columns: 120,
  });
  t.equal((await terminal.ended).code, 0);
  const shown = terminal.output();
  t.match(shown, "1: Pulling from app");
  t.match(shown, /aaaaaaaaaaaa: Downloading \[={25}> {25}\] {4}1\.2MB\/2\.4MB/);
  t.match(shown, "\x1b[2A\x1b[2K\raaaaaaaaaaaa: Pull complete\r\x1b[2B");
  t.match(shown, /Status: Image is up to date for localhost:5000\/app:1\r\nlocalhost:5000\/app:1\r\n$/);
});
