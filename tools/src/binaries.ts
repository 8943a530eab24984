/** What the build makes: each standalone binary and the files it carries. */
export interface Binary {
  readonly name: string;
  /** The file of packages/ that runs first. */
  readonly entry: string;
  /**
   * What runs the TypeScript. Bun starts in a sixth of Node's time and cannot load zeromq; so it runs the one program
   * that others start for each step and that nobody sends messages.
   */
  readonly engine: "node" | "bun";
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

const node = (name: string, assets: readonly AssetName[], short?: true): Binary => ({
  name,
  entry: `${name}/src/main.ts`,
  engine: "node",
  assets,
  ...(short && { short }),
});

export const binaries: readonly Binary[] = [
  node("client", ["zeromq.node"], true),
  node("engine", ["zeromq.node", "native-sys.node"]),
  node("ctr", ["zeromq.node", "native-sys.node"], true),
  node("supervisor", ["zeromq.node", "native-sys.node"]),
  node("shim", ["zeromq.node", "native-sys.node"]),
  {
    name: "oci-runtime",
    entry: "oci-runtime/src/main.ts",
    engine: "bun",
    short: true,
    assets: ["native-sys.node", "init"],
  },
  {
    name: "oci-runtime-worker",
    entry: "oci-runtime/src/worker-main.ts",
    engine: "node",
    assets: ["zeromq.node", "native-sys.node", "init"],
  },
  node("tini", ["native-sys.node", "tini-static"], true),
  node("port-proxy", ["native-sys.node"]),
];
