export { dataRanges as dataOf } from "@gantry/tree-copy/content";
export * from "@gantry/tree-copy/copy-node";
export * from "@gantry/tree-copy/metadata";
