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

/** A failure that keeps its meaning across a socket. */
export class RpcError extends Error {
  readonly code: ErrorCode;
  /** Plain data for programs, such as the path of a field that failed a check. */
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
