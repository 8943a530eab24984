export { loadAddon } from "./load.ts";
