/** The build of msgpackr without native code and without code generation has the same shape as its main one. */
declare module "msgpackr/index-no-eval" {
  import type { addExtension, Packr, Unpackr } from "msgpackr";

  const msgpackr: {
    readonly Packr: typeof Packr;
    readonly Unpackr: typeof Unpackr;
    readonly addExtension: typeof addExtension;
  };

  // biome-ignore lint/style/noDefaultExport: the module is CommonJS, this is its exports object
  export { msgpackr as default };
}
