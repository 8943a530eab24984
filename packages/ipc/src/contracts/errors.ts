/**
 * The error codes that cross a socket: the gRPC/containerd set. Each has one process exit code for
 * the components' own command lines and one HTTP status for the Docker Engine API.
 */
export const errorCodes = {
  NotFound: { exit: 1, http: 404 },
  AlreadyExists: { exit: 1, http: 409 },
  InvalidArgument: { exit: 1, http: 400 },
  FailedPrecondition: { exit: 1, http: 409 },
  Unavailable: { exit: 1, http: 503 },
  PermissionDenied: { exit: 1, http: 403 },
  ResourceExhausted: { exit: 1, http: 429 },
  Unimplemented: { exit: 1, http: 501 },
  Cancelled: { exit: 1, http: 499 },
  DeadlineExceeded: { exit: 1, http: 504 },
  Internal: { exit: 1, http: 500 },
} as const satisfies Record<string, { exit: number; http: number }>;

export type ErrorCode = keyof typeof errorCodes;

/**
 * Why a call failed, where a caller decides by it and the code alone is too coarse. It travels as `data.reason` of an
 * error, and as `reason` in an error line of `oci-runtime --log-format json`. A message is for people; no program may
 * match its text.
 */
export const errorReasons = [
  /** The program to run does not exist in the container, or its interpreter does not: exit status 127. */
  "ExecutableNotFound",
  /** The program exists but cannot be executed (no permission, a directory, not an executable format): exit status 126. */
  "ExecutableNotPermitted",
  /** The user's name is not in the root file system's /etc/passwd. */
  "UserNotFound",
  /** The group's name is not in the root file system's /etc/group. */
  "GroupNotFound",
  /** A directory was to be mounted on something else, or something else on a directory. */
  "MountTypeMismatch",
] as const;

export type ErrorReason = (typeof errorReasons)[number];

/** A failure that keeps its meaning across a socket. */
export class RpcError extends Error {
  readonly code: ErrorCode;
  /** Plain data for programs: `reason` (an ErrorReason), or the path of a field that failed a check. */
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, data?: Readonly<Record<string, unknown>>, options?: ErrorOptions) {
    super(message, options);
    this.name = "RpcError";
    this.code = code;
    this.data = data;
  }
}

/** True for an RpcError, optionally of one code. */
export function isRpcError(error: unknown, code?: ErrorCode): error is RpcError {
  return error instanceof RpcError && (code === undefined || error.code === code);
}

/** The reason that an error carries; undefined for an error without a reason, or with a reason that this program does not know. */
export function reasonOf(error: unknown): ErrorReason | undefined {
  // By name, not by class: a program may hold RpcError only behind a lazy import.
  if (!(error instanceof Error) || error.name !== "RpcError") return undefined;
  return asErrorReason((error as RpcError).data?.["reason"]);
}

/** A value read from outside as a reason; undefined when it is none. */
export function asErrorReason(value: unknown): ErrorReason | undefined {
  return errorReasons.find((reason) => reason === value);
}

/** A value read from outside as an error code; undefined when it is none. */
export function asErrorCode(value: unknown): ErrorCode | undefined {
  return typeof value === "string" && Object.hasOwn(errorCodes, value) ? (value as ErrorCode) : undefined;
}
