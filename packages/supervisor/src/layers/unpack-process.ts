import { writeNow } from "@gantry/cli/output";
import { type ErrorCode, isRpcError } from "@gantry/ipc";
import { nativeSys, PR_SET_PDEATHSIG } from "@gantry/native-sys";
import { type AppliedLayer, applyLayer, type LayerTarget } from "./apply-layer.ts";
import { readDescriptor } from "./layer-source.ts";

/** The JSON document that the process writes to its standard output. */
export type ProcessAnswer = { readonly applied: AppliedLayer } | { readonly failed: ProcessFailure };

export interface ProcessFailure {
  readonly message: string;
  /** Of a failed system call. */
  readonly code?: string;
  readonly syscall?: string;
  readonly rpc?: ErrorCode;
}

const SIGKILL = 9;

/** Unpacks the layer on standard input; ends with its parent process. */
export async function unpackProcess(target: LayerTarget): Promise<void> {
  const native = nativeSys();
  const parent = process.ppid;
  native.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (process.ppid !== parent) return;
  process.umask(0);
  writeNow(
    1,
    JSON.stringify(await answer(async () => await applyLayer(native, readDescriptor(0), target, { isUnmasked: true }))),
  );
}

async function answer(work: () => Promise<AppliedLayer>): Promise<ProcessAnswer> {
  try {
    return { applied: await work() };
  } catch (error) {
    const { message, code, syscall } = error as NodeJS.ErrnoException;
    if (isRpcError(error)) return { failed: { message, rpc: error.code } };
    return { failed: { message, ...(code === undefined ? {} : { code }), ...(syscall ? { syscall } : {}) } };
  }
}
