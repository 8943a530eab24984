/** The program that executes this JavaScript. */
export interface JsRuntime {
  readonly name: "Node.js" | "Bun";
  /** Its own version, such as 26.10.0. */
  readonly version: string;
}

const bun = process.versions["bun"];

/** The JS runtime of this process. */
export const jsRuntime: JsRuntime = bun
  ? { name: "Bun", version: bun }
  : { name: "Node.js", version: process.versions.node };

/** Its name and version, such as "Bun 1.4.5". */
export const jsRuntimeName = `${jsRuntime.name} ${jsRuntime.version}`;
