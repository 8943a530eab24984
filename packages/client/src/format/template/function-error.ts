/** A function was called with invalid arguments; the message is Go's. */
export class FunctionError extends Error {
  override name = "FunctionError";
}
