import { appendFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@gantry/testkit";
import { test } from "tap";
import { HostsFiles, mergeHosts } from "../src/networks/hosts-files.ts";
import type { UnderTest } from "./engine-under-test.ts";
import { inOwnNetwork } from "./own-network.ts";

inOwnNetwork();
const { engineUnderTest } = await import("./engine-under-test.ts");
const { forever } = await import("./scripts.ts");
const { waitFor } = await import("@gantry/testkit");

test("only the engine's own lines change", (t) => {
  const before = "127.0.0.1\tlocalhost\n10.0.0.2\tweb\n10.0.0.3\tdb\n";
  const after = "127.0.0.1\tlocalhost\n10.0.0.2\tfront\n10.0.0.3\tdb\n";
  t.equal(
    mergeHosts(`# mine\n${before}1.2.3.4 own`, before, after),
    "# mine\n127.0.0.1\tlocalhost\n10.0.0.3\tdb\n1.2.3.4 own\n10.0.0.2\tfront\n",
  );
  const edited = "127.0.0.1\tlocalhost me\n10.0.0.2\tweb\n";
  t.equal(
    mergeHosts(edited, before, after),
    "127.0.0.1\tlocalhost me\n10.0.0.2\tfront\n",
    "a line that was changed or deleted stays so",
  );
  t.equal(mergeHosts(before, before, before), before);
  t.end();
});

test("a file is updated in place, by one writer at a time, and never found empty", async (t) => {
  await using temp = tempDir("hosts");
  const path = join(temp.path, "hosts");
  const files = new HostsFiles();
  const lines = (names: readonly string[]) => names.map((name) => `10.0.0.1\t${name}\n`).join("");
  await files.update(path, "nothing there");
  await files.create(path, lines(["first"]));
  const { ino } = statSync(path);
  appendFileSync(path, "1.2.3.4\town\n");
  const all = Array.from({ length: 20 }, (_, index) => `name${index}`);
  await Promise.all(all.map((_, index) => files.update(path, lines(all.slice(0, index + 1)))));
  t.equal(readFileSync(path, "utf8"), `1.2.3.4\town\n${lines(all)}`);
  t.equal(statSync(path).ino, ino);
  await new HostsFiles().update(path, lines([]));
  t.equal(readFileSync(path, "utf8"), "1.2.3.4\town\n", "the next engine knows what was its own");
});

test("a line that is appended while the engine adds its own stays", async (t) => {
  await using temp = tempDir("hosts");
  const path = join(temp.path, "hosts");
  const files = new HostsFiles();
  let content = "10.0.0.1\tfirst\n";
  await files.create(path, content);
  for (let round = 0; round < 20; round++) {
    content += `10.0.0.2\tname${round}\n`;
    const updating = files.update(path, content);
    // Appended as soon as the new line is there, while the engine's next step waits for this thread.
    while (!shows(path, `name${round}\n`)) await new Promise((resolve) => setImmediate(resolve));
    appendFileSync(path, `1.2.3.4\town${round}\n`);
    await updating;
    t.match(readFileSync(path, "utf8"), new RegExp(`^1\\.2\\.3\\.4\town${round}$`, "m"), `round ${round}`);
  }
});

/** Whether a file contains a text, at once or a few milliseconds later. */
function shows(path: string, text: string): boolean {
  const end = performance.now() + 5;
  do {
    if (readFileSync(path, "utf8").includes(text)) return true;
  } while (performance.now() < end);
  return false;
}

async function pair(engine: UnderTest) {
  await engine.client.call("networkCreate", { Name: "back", IPAM: { Config: [{ Subnet: "10.9.8.0/24" }] } });
  const db = await engine.create(forever, { NetworkMode: "back" }, { Name: "db" });
  const web = await engine.create(forever, { NetworkMode: "back" }, { Name: "web" });
  for (const Id of [db, web]) await engine.client.call("containerStart", { Id });
  const path = (id: string) => join(engine.root, "containers", id, "hosts");
  const hosts = (id: string) => readFileSync(path(id), "utf8");
  await waitFor(() => /\tweb /.test(hosts(db)));
  return { db, web, path, hosts };
}

test("a rename reaches the hosts files of the neighbours and the container's own; lines of the user's own stay", async (t) => {
  await using engine = await engineUnderTest();
  const { db, web, path, hosts } = await pair(engine);
  appendFileSync(path(db), "1.2.3.4\town\n");
  await engine.client.call("containerRename", { Id: "web", Name: "front" });
  for (const id of [db, web]) {
    t.match(hosts(id), /^10\.9\.8\.3\tfront /m);
    t.notMatch(hosts(id), /\tweb /);
  }
  t.match(hosts(db), /^1\.2\.3\.4\town$/m);
  await engine.client.call("containerKill", { Id: web });
  await waitFor(() => !/\tfront /.test(hosts(db)));
  t.match(hosts(db), /^1\.2\.3\.4\town$/m);
});

test("connecting and disconnecting a network keeps the lines of the user's own", async (t) => {
  await using engine = await engineUnderTest();
  const { db, web, path, hosts } = await pair(engine);
  await engine.client.call("networkCreate", { Name: "more", IPAM: { Config: [{ Subnet: "10.9.9.0/24" }] } });
  appendFileSync(path(db), "1.2.3.4\town\n");
  await engine.client.call("networkConnect", { Id: "more", Container: "db" });
  t.match(hosts(db), /^10\.9\.9\.2\t/m);
  t.match(hosts(db), /^1\.2\.3\.4\town$/m);
  await engine.client.call("networkDisconnect", { Id: "back", Container: "db" });
  t.notMatch(hosts(db), /10\.9\.8\./);
  t.notMatch(hosts(web), /\tdb /);
  t.match(hosts(db), /^1\.2\.3\.4\town$/m);
});
