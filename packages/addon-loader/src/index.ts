export { embeddedAsset, isStandalone } from "./asset.ts";
export { loadAddon } from "./load.ts";
