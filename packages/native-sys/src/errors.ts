import { constants } from "node:os";

/** The error of every failing system call; `errno` is positive. */
export interface SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string;
}

/**
 * True for an error of a system call (of this library or of Node), and, where codes are given, of one of them.
 *
 * @example if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
 */
export function isSystemError(error: unknown, ...codes: readonly string[]): error is SystemError {
  if (!(error instanceof Error)) return false;
  const { code, errno, syscall } = error as Partial<SystemError>;
  if (typeof code !== "string" || typeof errno !== "number" || typeof syscall !== "string") return false;
  return codes.length === 0 || codes.includes(code);
}

/** The name of an errno, such as "ENOENT". Of two names for one number it is the kernel's. */
export function errnoName(errno: number): string {
  const name = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
  return name === "ENOTSUP" ? "EOPNOTSUPP" : name;
}
