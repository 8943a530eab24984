import { setTimeout as delay } from "node:timers/promises";

/** A failure that may be gone at the next attempt. */
export class TransientError extends Error {
  override name = "TransientError";
  /** How long the server asks to wait. */
  readonly waitMs: number | undefined;

  constructor(message: string, waitMs?: number, options?: ErrorOptions) {
    super(message, options);
    this.waitMs = waitMs;
  }
}

const attempts = 5;
const firstPauseMs = 150;
const longestPauseMs = 10_000;

/** Repeats work that fails with a TransientError, with growing pauses; the last failure is thrown. */
export async function retrying<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TransientError) || attempt === attempts) throw error;
      // Not all at the same time again.
      const pause = firstPauseMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
      await delay(Math.min(error.waitMs ?? pause, longestPauseMs), undefined, { signal });
    }
  }
}

/** Milliseconds of a Retry-After header: seconds, or a date. */
export function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined;
}

const cutCodes = new Set([
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/** The system's code behind a failed fetch. */
export function networkCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === "string") return code;
    if (at instanceof AggregateError && at.errors[0] instanceof Error) return networkCode(at.errors[0]);
  }
  return undefined;
}

/** True for a connection that broke, as against one that cannot be made. */
export function isCut(error: unknown): boolean {
  const code = networkCode(error);
  return code === undefined ? error instanceof TypeError && error.message === "terminated" : cutCodes.has(code);
}
