import { messageOf } from "@gantry/common/error-message";
import { describeIssue } from "@gantry/common/schema-issue";
import type { Seccomp, SeccompArg, SyscallRule } from "@gantry/oci-spec/runtime";
import * as v from "valibot";
import { invalid } from "../base/errors.ts";

/** Docker's profile format: OCI's, with rules that apply only to some architectures, capabilities or kernels. */
const conditions = v.object({
  caps: v.nullish(v.array(v.string())),
  arches: v.nullish(v.array(v.string())),
  minKernel: v.nullish(v.string()),
});
const rule = v.object({
  name: v.optional(v.string()),
  names: v.nullish(v.array(v.string())),
  action: v.string(),
  errnoRet: v.nullish(v.number()),
  args: v.nullish(
    v.array(
      v.object({
        index: v.number(),
        value: v.number(),
        valueTwo: v.optional(v.number()),
        op: v.string(),
      }),
    ),
  ),
  includes: v.nullish(conditions),
  excludes: v.nullish(conditions),
});
const profile = v.object({
  defaultAction: v.string(),
  defaultErrnoRet: v.nullish(v.number()),
  architectures: v.nullish(v.array(v.string())),
  archMap: v.nullish(v.array(v.object({ architecture: v.string(), subArchitectures: v.nullish(v.array(v.string())) }))),
  flags: v.nullish(v.array(v.string())),
  syscalls: v.nullish(v.array(rule)),
});
type Rule = v.InferOutput<typeof rule>;
type Conditions = v.InferOutput<typeof conditions>;

interface RuleContext {
  readonly capabilities: readonly string[];
  /** As Go names it: amd64. */
  readonly arch: string;
}

const scmpNames: Readonly<Record<string, string>> = {
  amd64: "SCMP_ARCH_X86_64",
  arm64: "SCMP_ARCH_AARCH64",
  riscv64: "SCMP_ARCH_RISCV64",
};

/**
 * A profile in Docker's format, reduced to the rules that apply to this container.
 * @throws RpcError InvalidArgument for text that is not JSON or not a profile
 */
export function parseSeccompProfile(text: string, capabilities: readonly string[], nodeArch: string): Seccomp {
  const parsed = v.safeParse(profile, parseJson(text));
  if (!parsed.success) {
    throw invalid(`Decoding seccomp profile failed: ${describeIssue(parsed.issues[0])}`);
  }
  const context = { capabilities, arch: nodeArch === "x64" ? "amd64" : nodeArch };
  const { defaultAction, defaultErrnoRet, flags, syscalls } = parsed.output;
  return {
    defaultAction,
    ...(defaultErrnoRet == null ? {} : { defaultErrnoRet }),
    architectures: architecturesOf(parsed.output, context.arch),
    ...(flags ? { flags } : {}),
    syscalls: (syscalls ?? []).filter((candidate) => applies(candidate, context)).map(toRule),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`Decoding seccomp profile failed: ${messageOf(error)}`);
  }
}

function architecturesOf(value: v.InferOutput<typeof profile>, arch: string): string[] {
  if (value.architectures && value.architectures.length > 0) return value.architectures;
  const own = scmpNames[arch];
  const entry = value.archMap?.find((candidate) => candidate.architecture === own);
  return entry ? [entry.architecture, ...(entry.subArchitectures ?? [])] : [];
}

function applies(candidate: Rule, context: RuleContext): boolean {
  const { includes, excludes } = candidate;
  if (includes && !meets(includes, context, true)) return false;
  return !(excludes && (excludes.caps?.length || excludes.arches?.length) && meets(excludes, context, false));
}

/** Includes require every condition, excludes one. */
function meets(condition: Conditions, context: RuleContext, all: boolean): boolean {
  const results: boolean[] = [];
  const { caps, arches } = condition;
  if (caps?.length) {
    const has = (name: string) => context.capabilities.includes(name);
    results.push(all ? caps.every(has) : caps.some(has));
  }
  if (arches?.length) results.push(arches.includes(context.arch));
  return all ? results.every(Boolean) : results.some(Boolean);
}

function toRule(from: Rule): SyscallRule {
  const names = from.names ?? (from.name ? [from.name] : []);
  return {
    names,
    action: from.action,
    ...(from.errnoRet == null ? {} : { errnoRet: from.errnoRet }),
    ...(from.args?.length ? { args: from.args as SeccompArg[] } : {}),
  };
}
