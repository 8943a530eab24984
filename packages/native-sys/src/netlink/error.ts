import { getSystemErrorMessage } from "node:util";
import { errnoName, type SystemError } from "../errors.ts";

/** A refusal by the kernel; a SystemError, so that `isSystemError(error, "EEXIST")` holds for it. */
export class NetlinkError extends Error implements SystemError {
  readonly code: string;
  readonly errno: number;
  readonly syscall = "netlink";

  /**
   * @param description the request: "add link veth0"
   * @param text the kernel's own message, where there is one
   */
  constructor(description: string, errno: number, text?: string) {
    const code = errnoName(errno);
    super(`${description}: ${code}: ${getSystemErrorMessage(-errno)}${text ? ` (${text})` : ""}`);
    this.name = "NetlinkError";
    this.code = code;
    this.errno = errno;
  }
}
