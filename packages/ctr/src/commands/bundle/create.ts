import { unpackCommand } from "../../images/unpack-command.ts";

export const command = unpackCommand({
  summary:
    "Create a runtime bundle from an image: DIR/config.json and DIR/rootfs, ready for an OCI runtime; DIR must be empty or not exist",
  platformDoc: "Use the image of another platform",
  directory: "bundle",
  method: "images.createBundle",
});
