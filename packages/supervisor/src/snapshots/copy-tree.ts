export * from "@gantry/tree-copy/copy-tree";
