import { getSystemErrorMap } from "node:util";
import type { ErrorReason } from "@gantry/ipc/contracts/errors";
import { describeShort } from "../../plan/explain.ts";
import type { Op, Plan } from "../../plan/op.ts";
import { schedulerPolicies } from "../../plan/scheduling.ts";

/** An operation of a plan failed. The message addresses the author of the configuration. */
export class OperationError extends Error {
  override name = "OperationError";
  /** As "EPERM". */
  readonly code: string;
  readonly op: Op["op"] | undefined;
  readonly reason: ErrorReason | undefined;

  constructor(message: string, code: string, op: Op["op"] | undefined) {
    super(message);
    this.code = code;
    this.op = op;
    this.reason = reasonFor(op, code);
  }
}

/** The reason that callers act on: the program cannot be run, or a mount is of the wrong kind. */
function reasonFor(op: Op["op"] | undefined, code: string): ErrorReason | undefined {
  if (op === "program" || op === "exec") {
    if (code === "ENOENT" || code === "ENOTDIR") return "ExecutableNotFound";
    return ["EACCES", "EISDIR", "ENOEXEC"].includes(code) ? "ExecutableNotPermitted" : undefined;
  }
  if (op === "bind" && (code === "EINVAL" || code === "ENOTDIR")) return "MountTypeMismatch";
  return op === "mount" && code === "ENOTDIR" ? "MountTypeMismatch" : undefined;
}

/** The error for a failure that the helper has reported. `errno` is positive. */
export function operationError(plan: Plan, index: number, errno: number, detail: string): OperationError {
  const op = plan.ops[index];
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, "unknown error"];
  if (!op) return new OperationError(`the helper failed: ${detail || text}`, code, undefined);
  if (op.op === "program") return new OperationError(programMessage(op.name, code, text), code, op.op);
  if (op.op === "exec") return new OperationError(`exec ${detail}: ${execMessage(code, text)}`, code, op.op);
  if (op.op === "hook")
    return new OperationError(`error running ${hookName(op.why)} hook ${detail || text}`, code, op.op);
  if (op.op === "scheduler" && code === "EPERM" && op.policy === schedulerPolicies.SCHED_DEADLINE)
    return new OperationError(
      `${describeShort(op)}: ${text} (${op.why}): SCHED_DEADLINE is for processes that may run on all processors, so not with linux.resources.cpu.cpus`,
      code,
      op.op,
    );
  const said = detail ? `${detail}: ` : "";
  return new OperationError(`${describeShort(op)}: ${said}${code}: ${text} (${op.why})`, code, op.op);
}

/** The kind of a hook by its place in config.json: "hooks.createContainer[0]". */
function hookName(why: string): string {
  return why.slice("hooks.".length, why.lastIndexOf("["));
}

/** With runc's messages, by which callers of OCI runtimes distinguish exit status 127 from 126. */
function programMessage(name: string, code: string, text: string): string {
  const head = `exec: ${JSON.stringify(name)}: `;
  if (code === "ENOENT" || code === "ENOTDIR")
    return (
      head + (name.includes("/") ? `stat ${name}: no such file or directory` : "executable file not found in $PATH")
    );
  if (code === "EACCES") return `${head}permission denied`;
  if (code === "EISDIR") return `${head}is a directory: permission denied`;
  return head + text;
}

function execMessage(code: string, text: string): string {
  if (code === "ENOEXEC") return "exec format error";
  if (code === "ENOENT") return "no such file or directory";
  return code === "EACCES" ? "permission denied" : text;
}

/**
 * The error for a failure between `start` and the program. The plan is gone by then: it is of a startContainer hook,
 * the filter, or exec itself.
 */
export function startError(errno: number, detail: string): OperationError {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, "unknown error"];
  if (code === "ECANCELED") return new OperationError(`error running startContainer hook ${detail}`, code, "hook");
  return new OperationError(`exec ${detail}: ${execMessage(code, text)}`, code, "exec");
}
