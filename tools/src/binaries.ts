/** What the build makes: each standalone binary and the files it carries. */
export interface Binary {
  readonly name: string;
  /** Keys of the assets, as the program asks for them. */
  readonly assets: readonly AssetName[];
  /** Ends soon, and what it reads is its caller's own. */
  readonly short?: true;
}

export type AssetName = "zeromq.node" | "native-sys.node" | "init" | "tini-static";

/**
 * V8's flags of programs that live for a moment. Node's start-up snapshot is rehashed at every start so that whoever
 * feeds a server cannot know how its tables are filled; that is a tenth of Node's start, and only a server needs it.
 * With room for what is allocated in that moment, there is no garbage collection.
 */
export const shortLivedFlags: readonly string[] = ["--no-rehash-snapshot", "--min-semi-space-size=16"];

export const binaries: readonly Binary[] = [
  { name: "client", short: true, assets: ["zeromq.node"] },
  { name: "engine", assets: ["zeromq.node", "native-sys.node"] },
  { name: "ctr", short: true, assets: ["zeromq.node", "native-sys.node"] },
  { name: "supervisor", assets: ["zeromq.node", "native-sys.node"] },
  { name: "shim", assets: ["zeromq.node", "native-sys.node"] },
  { name: "oci-runtime", short: true, assets: ["zeromq.node", "native-sys.node", "init"] },
  { name: "tini", short: true, assets: ["native-sys.node", "tini-static"] },
  { name: "port-proxy", assets: ["native-sys.node"] },
];
