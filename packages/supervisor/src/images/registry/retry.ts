import { setTimeout as delay } from "node:timers/promises";

/** A failure after which another attempt may succeed. */
export class TransientError extends Error {
  override name = "TransientError";
  /** Pause that the server requests. */
  readonly waitMs: number | undefined;

  constructor(message: string, waitMs?: number, options?: ErrorOptions) {
    super(message, options);
    this.waitMs = waitMs;
  }
}

const maxAttempts = 5;
const initialPauseMs = 150;
const maxPauseMs = 10_000;
/** Longest pause that a server can request. */
const maxRequestedPauseMs = 60_000;

/**
 * Repeats work that fails with a TransientError, with growing pauses; the last failure is thrown.
 * @param work calls `advanced` when it has made progress: then the attempts are counted from zero
 */
export async function retrying<T>(signal: AbortSignal, work: (advanced: () => void) => Promise<T>): Promise<T> {
  let attempt = 0;
  const advanced = () => {
    attempt = 0;
  };
  for (;;) {
    try {
      return await work(advanced);
    } catch (error) {
      attempt += 1;
      if (!(error instanceof TransientError) || attempt >= maxAttempts) throw error;
      await delay(pauseMs(attempt, error.waitMs), undefined, { signal });
    }
  }
}

function pauseMs(attempt: number, requested: number | undefined): number {
  if (requested !== undefined) return Math.min(requested, maxRequestedPauseMs);
  // Jitter, so that clients do not retry at the same time.
  return Math.min(initialPauseMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2), maxPauseMs);
}

/** Milliseconds of a Retry-After header (RFC 9110, 10.2.3): seconds, or a date. */
export function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined;
}

/** The system error code behind a failure. */
export function networkCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (at instanceof AggregateError && at.errors[0] instanceof Error) return networkCode(at.errors[0]) ?? code;
    if (typeof code === "string") return code;
  }
  return undefined;
}
