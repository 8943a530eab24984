export {
  endKeeper,
  KeeperClient,
  type KeeperSpawn,
  type KeeperState,
  type KeptExit,
  type KeptProcess,
  type WatchHooks,
} from "./client.ts";
export { readKeeperProgram, startKeeper } from "./program.ts";
