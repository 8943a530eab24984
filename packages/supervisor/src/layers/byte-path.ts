export * from "@gantry/tree-copy/byte-path";
