/**
 * The failure that ended an operation. Where the clean-up of a `using` declaration failed as well, the language throws a
 * SuppressedError whose own message says nothing of the cause.
 */
export function firstFailure(error: unknown): unknown {
  let first = error;
  // By its name: a JS runtime without the class gets it from the bundler.
  while (first instanceof Error && first.name === "SuppressedError" && "suppressed" in first) first = first.suppressed;
  return first;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
