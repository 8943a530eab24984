export { embeddedAsset } from "./asset.ts";
export { loadAddon } from "./load.ts";
