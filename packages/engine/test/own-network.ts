import { spawnSync } from "node:child_process";

/**
 * Runs the rest of a test file in network and mount namespaces of its own: what it makes there is gone with it.
 * In the outer process this does not return.
 */
export function inOwnNetwork(): void {
  const mark = "GANTRY_TEST_OWN_NETWORK";
  if (process.env[mark]) {
    spawnSync("ip", ["link", "set", "lo", "up"]);
    return;
  }
  const args = ["--net", "--mount", "--propagation", "private", process.execPath, ...process.execArgv];
  const { status } = spawnSync("unshare", [...args, ...process.argv.slice(1)], {
    stdio: "inherit",
    env: { ...process.env, [mark]: "1" },
  });
  process.exit(status ?? 1);
}
