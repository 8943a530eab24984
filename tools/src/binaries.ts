/** What the build makes: each standalone binary and the files it carries. */
export interface Binary {
  readonly name: string;
  /** Keys of the assets, as the program asks for them. */
  readonly assets: readonly AssetName[];
}

export type AssetName = "zeromq.node" | "native-sys.node" | "init" | "tini-static";

export const binaries: readonly Binary[] = [
  { name: "client", assets: ["zeromq.node"] },
  { name: "engine", assets: ["zeromq.node", "native-sys.node"] },
  { name: "supervisor", assets: ["zeromq.node", "native-sys.node"] },
  { name: "shim", assets: ["zeromq.node", "native-sys.node"] },
  { name: "oci-runtime", assets: ["zeromq.node", "native-sys.node", "init"] },
  { name: "tini", assets: ["native-sys.node", "tini-static"] },
  { name: "port-proxy", assets: ["native-sys.node"] },
];
