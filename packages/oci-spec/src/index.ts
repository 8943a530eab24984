export * from "./chain-id.ts";
export { type ConversionOptions, specOfImage } from "./convert.ts";
export * from "./digest.ts";
export * from "./image/index.ts";
export * from "./platform.ts";
export * from "./reference.ts";
export * from "./runtime/index.ts";
