import { RpcError } from "@gantry/ipc";
import { jsProgram, start, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { containerId, mainFile, scriptedContainer, standInEngine } from "./stand-in-engine.ts";

test("output of an attached container goes to the same stream, and its exit code is ours", async (t) => {
  await using engine = await standInEngine(
    scriptedContainer(async ({ write }) => {
      await write("stdout", "out\n");
      await write("stderr", "err\n");
      await write("stdout", Buffer.from([0, 255, 10]));
      return 42;
    }),
  );
  const { code, stdout, stderr } = await engine.client(["run", "busybox", "sh", "-c", "x"]);
  t.equal(code, 42);
  t.equal(stdout, `out\n${Buffer.from([0, 255, 10])}`);
  t.equal(stderr, "err\n");
  t.match(engine.requests("containerCreate")[0], {
    Config: { Image: "busybox", Cmd: ["sh", "-c", "x"], AttachStdout: true, AttachStdin: false, Tty: false },
  });
  const order = engine.calls.map(({ method }) => method);
  t.ok(order.indexOf("containerAttach") < order.indexOf("containerStart"), "attached before the start");
});

test("with -i standard input goes to the container, and so does its end", async (t) => {
  await using engine = await standInEngine(
    scriptedContainer(async ({ read, write }) => {
      let typed = "";
      for (let chunk = await read(); chunk; chunk = await read()) typed += chunk;
      await write("stdout", typed.toUpperCase());
      return 0;
    }),
  );
  const { code, stdout } = await engine.client(["run", "-i", "busybox", "cat"], { stdin: "one\ntwo\n" });
  t.equal(code, 0);
  t.equal(stdout, "ONE\nTWO\n");
  t.match(engine.requests("containerCreate")[0], { Config: { OpenStdin: true, StdinOnce: true, AttachStdin: true } });
});

test("with -a stdin alone the id is printed, and the input's end is the client's", async (t) => {
  const { promise: input, resolve } = Promise.withResolvers<string>();
  const { promise: forever, resolve: endIt } = Promise.withResolvers<void>();
  await using engine = await standInEngine(
    scriptedContainer(async ({ read }) => {
      let typed = "";
      for (let chunk = await read(); chunk; chunk = await read()) typed += chunk;
      resolve(typed);
      await forever;
      return 3;
    }),
  );
  const { code, stdout } = await engine.client(["run", "-i", "-a", "stdin", "busybox", "cat"], { stdin: "one\n" });
  t.equal(code, 0);
  t.equal(stdout, `${containerId}\n`);
  t.equal(await input, "one\n");
  endIt();
});

test("with -d the id is printed and nothing is attached", async (t) => {
  await using engine = await standInEngine(scriptedContainer(async () => 0));
  const { code, stdout } = await engine.client(["run", "-d", "busybox"]);
  t.equal(code, 0);
  t.equal(stdout, `${containerId}\n`);
  t.strictSame(engine.requests("containerAttach"), []);
});

test("--rm waits until the container is removed", async (t) => {
  await using engine = await standInEngine(scriptedContainer(async () => 3));
  t.equal((await engine.client(["run", "--rm", "busybox"])).code, 3);
  t.match(engine.requests("containerWait"), [{ Condition: "removed" }]);
  t.match(engine.requests("containerCreate")[0], { HostConfig: { AutoRemove: true } });
});

test("a missing image is pulled, its progress on stderr, and the container made then", async (t) => {
  let pulled = false;
  const script = scriptedContainer(async ({ write }) => {
    await write("stdout", "hello\n");
    return 0;
  });
  await using engine = await standInEngine({
    ...script,
    containerCreate: async () => {
      if (!pulled) throw new RpcError("NotFound", "No such image: busybox:latest");
      return { Id: containerId, Warnings: ["slow disk"] };
    },
    imageInspect: async () => {
      throw new RpcError("NotFound", "No such image: busybox");
    },
    imagePull: async (_, { send }) => {
      await send({ id: "aaaaaaaaaaaa", status: "Pulling fs layer" });
      await send({ id: "aaaaaaaaaaaa", status: "Downloading", current: 5, total: 10 });
      await send({ id: "aaaaaaaaaaaa", status: "Pull complete" });
      pulled = true;
      return { Name: "docker.io/library/busybox:latest", Digest: "sha256:1234", Changed: true };
    },
  });
  const { code, stdout, stderr } = await engine.client(["run", "busybox"]);
  t.equal(code, 0);
  t.equal(stdout, "hello\n");
  t.equal(
    stderr,
    [
      "Unable to find image 'busybox:latest' locally",
      "latest: Pulling from library/busybox",
      "aaaaaaaaaaaa: Pulling fs layer",
      "aaaaaaaaaaaa: Pull complete",
      "Digest: sha256:1234",
      "Status: Downloaded newer image for busybox:latest",
      "WARNING: slow disk\n",
    ].join("\n"),
  );
});

test("--pull=never leaves a missing image missing", async (t) => {
  await using engine = await standInEngine({
    containerCreate: async () => {
      throw new RpcError("NotFound", "No such image: nope:latest");
    },
  });
  const { code, stderr } = await engine.client(["run", "--pull=never", "nope"]);
  t.equal(code, 125);
  t.equal(stderr, "client: Error response from engine: No such image: nope:latest.\nSee 'client run --help'.\n");
});

test("a failed start exits with 127, 126 or 125 by its reason, never by its text, and a --rm container does not stay", async (t) => {
  const cases: [string, Record<string, unknown> | undefined, number][] = [
    ["it does not exist", { reason: "ExecutableNotFound" }, 127],
    ["it cannot be executed", { reason: "ExecutableNotPermitted" }, 126],
    ["the engine knows the code", { ExitCode: 127 }, 127],
    ["another failure with a code", { ExitCode: 128 }, 125],
    ["Bind for 0.0.0.0:80 failed: port is already allocated", undefined, 125],
    ['exec: "/data": executable file not found, permission denied', undefined, 125],
  ];
  let message = "";
  let data: Record<string, unknown> | undefined;
  await using engine = await standInEngine({
    ...scriptedContainer(async () => 0),
    containerStart: async () => {
      throw new RpcError("FailedPrecondition", message, data);
    },
    containerRemove: async () => ({}),
  });
  for (const [text, reason, expected] of cases) {
    [message, data] = [text, reason];
    const { code, stderr } = await engine.client(["run", "--rm", "busybox", "nope"]);
    t.equal(code, expected, text);
    t.equal(stderr, `client: Error response from engine: ${text}.\n`);
  }
  t.equal(engine.requests("containerRemove").length, cases.length);
  const kept = await engine.client(["run", "-d", "busybox", "nope"]);
  t.match(kept, { code: 125, stdout: `${containerId}\n` }, "one that stays is named");
  t.equal(engine.requests("containerRemove").length, cases.length);
});

test("signals are passed on to a container without a terminal", async (t) => {
  await using engine = await standInEngine(
    scriptedContainer(async ({ signal, write }) => {
      await write("stdout", "ready\n");
      await write("stdout", `${await signal()}\n`);
      await write("stdout", `${await signal()}\n`);
      return 143;
    }),
  );
  await using client = start(jsProgram, [mainFile, "run", "busybox"], { env: engine.env });
  await waitFor(() => client.stdout().includes("ready"));
  client.kill("SIGINT");
  await waitFor(() => client.stdout().includes("SIGINT"));
  client.kill("SIGTERM");
  t.equal((await client.ended).code, 143);
  t.equal(client.stdout(), "ready\nSIGINT\nSIGTERM\n");
});

test("with --sig-proxy=false a signal ends the client alone", async (t) => {
  await using engine = await standInEngine(
    scriptedContainer(async ({ write, signal }) => {
      await write("stdout", "ready\n");
      await signal();
      return 0;
    }),
  );
  await using client = start(jsProgram, [mainFile, "run", "--sig-proxy=false", "busybox"], {
    env: engine.env,
  });
  await waitFor(() => client.stdout().includes("ready"));
  client.kill("SIGTERM");
  t.equal((await client.ended).signal, "SIGTERM");
  t.strictSame(engine.requests("containerKill"), []);
});

test("much output arrives whole at a slow reader, and is not gathered in memory", async (t) => {
  const line = Buffer.from(`${"x".repeat(119)}\n`);
  const block = Buffer.concat(Array.from({ length: 500 }, () => line));
  const blocks = 600;
  let sent = 0;
  await using engine = await standInEngine(
    scriptedContainer(async ({ write }) => {
      for (; sent < blocks; sent++) await write("stdout", block);
      return 0;
    }),
  );
  await using client = start(jsProgram, [mainFile, "run", "busybox"], {
    env: engine.env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  client.child.stdout?.pause();
  let before = -1;
  let still = 0;
  await waitFor(() => {
    // The writer stops when its output is not read.
    still = sent > 0 && sent === before ? still + 1 : 0;
    before = sent;
    return still === 50;
  });
  t.ok(sent < blocks / 2, `${sent} of ${blocks} blocks are on their way`);
  client.child.stdout?.resume();
  t.equal((await client.ended).code, 0);
  t.equal(client.stdout().length, block.length * blocks);
});

test("a reader that goes away ends the client quietly", async (t) => {
  await using engine = await standInEngine(
    scriptedContainer(async ({ write }) => {
      for (;;) await write("stdout", "y\n".repeat(1000));
    }),
  );
  await using client = start("sh", ["-c", `"$0" "$@" | head -n 1; echo end`, jsProgram, mainFile, "run", "busybox"], {
    env: engine.env,
  });
  t.equal((await client.ended).code, 0);
  t.equal(client.stdout(), "y\nend\n");
  t.equal(client.stderr(), "");
});

test("the engine's end while attached is reported", async (t) => {
  await using engine = await standInEngine(
    scriptedContainer(async ({ write, signal }) => {
      await write("stdout", "ready\n");
      await signal();
      return 0;
    }),
  );
  await using client = start(jsProgram, [mainFile, "run", "busybox"], { env: engine.env });
  await waitFor(() => client.stdout().includes("ready"));
  await engine.stop();
  t.equal((await client.ended).code, 125);
  t.match(client.stderr(), /^client: .+\n$/);
});

test("--cidfile holds the id, and an existing file is refused before anything is made", async (t) => {
  await using engine = await standInEngine(scriptedContainer(async () => 0));
  const { tempDir } = await import("@gantry/testkit");
  const { readFileSync } = await import("node:fs");
  await using directory = tempDir("cid");
  const file = `${directory.path}/id`;
  t.equal((await engine.client(["run", "--cidfile", file, "busybox"])).code, 0);
  t.equal(readFileSync(file, "utf8"), containerId);
  const again = await engine.client(["run", "--cidfile", file, "busybox"]);
  t.equal(again.code, 125);
  t.match(again.stderr, /^client: container ID file found, make sure the other container isn't running or delete /);
  t.equal(engine.requests("containerCreate").length, 1);
});
