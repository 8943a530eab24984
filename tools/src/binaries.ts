/** What the build makes: each standalone binary and the files it carries. */
export interface Binary {
  readonly name: string;
  /** The file of packages/ that runs first. */
  readonly entry: string;
  /**
   * What runs the TypeScript. Bun starts in a sixth of Node's time, and cannot load zeromq: so it runs what is started
   * anew for each command, and Node what serves.
   */
  readonly engine: "node" | "bun";
  /** Keys of the assets, as the program asks for them. */
  readonly assets: readonly AssetName[];
}

export type AssetName = "zeromq.node" | "native-sys.node" | "init" | "tini-static";

const node = (name: string, assets: readonly AssetName[]): Binary => ({
  name,
  entry: `${name}/src/main.ts`,
  engine: "node",
  assets,
});

const bun = (name: string, assets: readonly AssetName[]): Binary => ({
  name,
  entry: `${name}/src/main.ts`,
  engine: "bun",
  assets,
});

export const binaries: readonly Binary[] = [
  bun("client", []),
  node("engine", ["zeromq.node", "native-sys.node"]),
  bun("ctr", ["native-sys.node"]),
  node("supervisor", ["zeromq.node", "native-sys.node"]),
  node("shim", ["zeromq.node", "native-sys.node"]),
  bun("oci-runtime", ["native-sys.node", "init"]),
  {
    name: "oci-runtime-worker",
    entry: "oci-runtime/src/worker-main.ts",
    engine: "node",
    assets: ["zeromq.node", "native-sys.node", "init"],
  },
  bun("tini", ["native-sys.node", "tini-static"]),
  node("port-proxy", ["native-sys.node"]),
];
