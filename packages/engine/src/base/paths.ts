import { join } from "node:path";

/** Files and directories of the engine. */
export interface Paths {
  readonly root: string;
  readonly state: string;
  readonly database: string;
  readonly volumes: string;
  readonly netns: string;
  /** /dev/shm of containers that share theirs. */
  readonly sharedMemory: string;
  /** Files of one container: its log, hosts, resolv.conf, hostname. */
  containerDirectory(id: string): string;
  logFile(id: string): string;
  /** An OCI runtime's own state. */
  runtimeRoot(name: string): string;
}

export function pathsOf(root: string, state: string): Paths {
  const containerDirectory = (id: string): string => join(root, "containers", id);
  return {
    root,
    state,
    database: join(root, "engine.db"),
    volumes: join(root, "volumes"),
    netns: join(state, "netns"),
    sharedMemory: join(state, "shm"),
    containerDirectory,
    logFile: (id) => join(containerDirectory(id), `${id}-json.log`),
    runtimeRoot: (name) => join(state, "runtimes", name),
  };
}
