import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@gantry/testkit";
import type { Stack } from "./stack.ts";

/** Starts Debian's docker-registry on loopback inside the stack's network namespace; returns host:port. It ends with the stack. */
export async function startRegistry(stack: Stack, port = 5000): Promise<string> {
  const config = join(stack.directory, "registry.yml");
  const root = join(stack.directory, "registry");
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${root}}, delete: {enabled: true}}\nhttp: {addr: "127.0.0.1:${port}"}\n`,
  );
  stack.startProcess("docker-registry", ["serve", config]);
  const address = `127.0.0.1:${port}`;
  await waitFor(
    async () => (await stack.sh(`curl -s -o /dev/null -w '%{http_code}' http://${address}/v2/`)).stdout === "200",
    { timeoutMs: 15_000, what: "the registry" },
  );
  return address;
}
