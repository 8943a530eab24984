import { unpackCommand } from "../../images/unpack-command.ts";

export const command = unpackCommand({
  summary: "Write an image's root file system into a directory, which must be empty or not exist",
  platformDoc: "Unpack the image of another platform",
  directory: "rootfs",
  method: "images.unpack",
});
