import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { distBin, freePort, missing, waitFor } from "@gantry/testkit";
import { test } from "tap";
import { count, counter, criuReason } from "./criu.ts";
import { cannotRun, Runtime } from "./oracle/runtime.ts";

/** Memory that travels apart from the other images: criu(8) "page-server" and "lazy-pages". */

const program = process.env["RUNTIME"] ?? join(distBin, "oci-runtime");
const skip = cannotRun(program) ?? missing("tool:criu");
const broken = skip || criuReason();

/** A program of CRIU's that runs beside the runtime; ended with the block. */
class Beside implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(args: readonly string[], directory: string) {
    const log = ["-D", directory, "-W", directory, "-v4", "-o", `${args[0]}.log`];
    this.#child = spawn("criu", [...args, ...log], { stdio: "ignore" });
    this.#ended = once(this.#child, "exit");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}

/** Whether a process listens at a port of this network namespace; a test connection would count as a client. */
function listens(port: number): boolean {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`;
  return readFileSync("/proc/net/tcp", "latin1").includes(local);
}

test("memory goes to a page server", { skip: broken }, async (t) => {
  await using runtime = new Runtime(program);
  runtime.configure(counter);
  const id = await runtime.runDetached();
  await waitFor(() => count(runtime) > 2);
  const [images, pages] = ["images", "pages"].map((name) => join(runtime.directory, name)) as [string, string];
  mkdirSync(pages);
  const port = await freePort();
  await using _server = new Beside(["page-server", "--address", "127.0.0.1", "--port", String(port)], pages);
  await waitFor(() => listens(port), { timeoutMs: 30_000 });
  const written = await runtime.cli("checkpoint", "--image-path", images, "--page-server", `127.0.0.1:${port}`, id);
  t.equal(written.code, 0, written.stderr);
  const isMemory = (name: string) => name.startsWith("pages-");
  t.same(readdirSync(images).filter(isMemory), []);
  t.not(readdirSync(pages).filter(isMemory).length, 0);
  const stopped = count(runtime);
  cpSync(pages, images, { recursive: true });
  const { stdout } = await runtime.sh(`r restore -d --image-path ${images} ${id} >out 2>&1 </dev/null || cat out`);
  t.equal(stdout, "");
  await waitFor(() => count(runtime) > stopped, { what: "the restored one to go on" });
  t.equal((await runtime.cli("delete", "--force", id)).code, 0);
});

test("memory is fetched as it is used", { skip: broken }, async (t) => {
  await using runtime = new Runtime(program);
  runtime.configure(counter);
  const id = await runtime.runDetached();
  await waitFor(() => count(runtime) > 2);
  const images = join(runtime.directory, "images");
  const port = String(await freePort());
  const flags = `--lazy-pages --image-path ${images} --page-server 127.0.0.1:${port} --status-fd 4`;
  const status = join(runtime.directory, "status");
  const checkpoint = runtime.sh(`r checkpoint ${flags} ${id} 4>${status} 2>&1`);
  await waitFor(() => readFileSync(status).length > 0, {
    timeoutMs: 30_000,
    what: "the word that its pages are served",
  });
  const stopped = count(runtime);
  await using _daemon = new Beside(["lazy-pages", "--page-server", "--address", "127.0.0.1", "--port", port], images);
  await waitFor(() => readdirSync(images).includes("lazy-pages.socket"), { timeoutMs: 30_000 });
  const copy = `${id}-copy`;
  const restore = `r restore -d --lazy-pages --image-path ${images} ${copy} >out 2>&1 </dev/null || cat out`;
  t.equal((await runtime.sh(restore)).stdout, "");
  await waitFor(() => count(runtime) > stopped, { what: "the restored one to go on" });
  const { code, stdout } = await checkpoint;
  t.equal(code, 0, stdout);
  t.equal((await runtime.cli("delete", "--force", copy)).code, 0);
});
