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

const maxAttempts = 5;
const initialPauseMs = 150;
const maxPauseMs = 10_000;
/** What a server may ask for; longer than what we would choose ourselves. */
const maxRequestedPauseMs = 60_000;

/**
 * Repeats work that fails with a TransientError, with growing pauses; the last failure is thrown.
 * @param work told how to say that it got further: attempts are counted anew from there
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

function pauseMs(attempt: number, asked: number | undefined): number {
  if (asked !== undefined) return Math.min(asked, maxRequestedPauseMs);
  // Not all at the same time again.
  return Math.min(initialPauseMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2), maxPauseMs);
}

/** Milliseconds of a Retry-After header (RFC 9110, 10.2.3): seconds, or a date. */
export function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined;
}

/** The system's code behind a failure. */
export function networkCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (at instanceof AggregateError && at.errors[0] instanceof Error) return networkCode(at.errors[0]) ?? code;
    if (typeof code === "string") return code;
  }
  return undefined;
}
