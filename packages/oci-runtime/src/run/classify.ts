import type { ErrorCode, ErrorReason } from "@gantry/ipc/contracts/errors";
import { SpecError } from "@gantry/oci-spec/runtime";
import { PlanError } from "../plan/op.ts";
import { ContainerError } from "../state/store.ts";
import { OperationError } from "./launch/failure.ts";

/** The part of an error that is for programs: the same by messages and in the JSON log. */
export interface Classification {
  readonly code: ErrorCode;
  readonly reason?: ErrorReason;
  /** Further plain data. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** A caller's mistake, a state that does not allow the command, or a failure of the machine. */
export function classify(error: unknown): Classification {
  if (error instanceof ContainerError) return { code: error.code };
  if (error instanceof SpecError) return { code: "InvalidArgument", data: { problems: error.problems } };
  if (error instanceof PlanError) return { code: "InvalidArgument" };
  if (error instanceof OperationError) return ofOperation(error);
  return { code: "Internal" };
}

function ofOperation({ code: errno, op, reason }: OperationError): Classification {
  const data = op === undefined ? { errno } : { errno, op };
  if (reason === undefined) return { code: "FailedPrecondition", data };
  // All three have their cause in the configuration.
  return { code: "InvalidArgument", reason, data };
}
