export type JsRuntimeName = "node" | "bun";

/** A standalone binary and the files that it carries. */
export interface Binary {
  readonly name: string;
  /** Its main file, below packages/. */
  readonly entry: string;
  /**
   * Executes the TypeScript. Bun starts in a sixth of Node's time but cannot load zeromq: so Bun runs the programs that
   * are started for each command, and Node those that serve.
   */
  readonly jsRuntime: JsRuntimeName;
  /** Keys of the assets, as the program asks for them. */
  readonly assets: readonly AssetName[];
  /** Those that it needs besides when Node runs it. */
  readonly nodeAssets?: readonly AssetName[];
}

export type AssetName = "zeromq.node" | "native-sys.node" | "init" | "keeper" | "tini-static";

const node = (name: string, assets: readonly AssetName[]): Binary => ({
  name,
  entry: `${name}/src/main.ts`,
  jsRuntime: "node",
  assets,
});

const bun = (name: string, assets: readonly AssetName[], nodeAssets: readonly AssetName[] = []): Binary => ({
  name,
  entry: `${name}/src/main.ts`,
  jsRuntime: "bun",
  assets,
  nodeAssets,
});

export const binaries: readonly Binary[] = [
  bun("client", [], ["zeromq.node"]),
  node("engine", ["zeromq.node", "native-sys.node"]),
  bun("ctr", ["native-sys.node"], ["zeromq.node"]),
  node("supervisor", ["zeromq.node", "native-sys.node"]),
  node("shim", ["zeromq.node", "native-sys.node", "keeper"]),
  bun("oci-runtime", ["native-sys.node", "init"]),
  {
    name: "oci-runtime-worker",
    entry: "oci-runtime/src/worker-main.ts",
    jsRuntime: "node",
    assets: ["zeromq.node", "native-sys.node", "init"],
  },
  bun("tini", ["native-sys.node", "tini-static"]),
  node("port-proxy", ["native-sys.node"]),
];

/** The same binary with Node as its JS runtime. */
export function onNode(binary: Binary): Binary {
  return { ...binary, jsRuntime: "node", assets: [...binary.assets, ...(binary.nodeAssets ?? [])] };
}
