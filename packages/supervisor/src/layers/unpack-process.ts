import { writeNow } from "@gantry/cli/output";
import { isRpcError } from "@gantry/ipc";
import { nativeSys, PR_SET_PDEATHSIG } from "@gantry/native-sys";
import { type AppliedLayer, applyLayer } from "./apply-layer.ts";
import { readDescriptor } from "./layer-source.ts";
import { decodeTarget, encodeAnswer, type UnpackAnswer } from "./unpack-messages.ts";

const SIGKILL = 9;

/** Unpacks the layer on standard input; ends with its parent process. @param argument the layer's target, encoded */
export async function unpackProcess(argument: string): Promise<void> {
  const target = decodeTarget(argument);
  const native = nativeSys();
  const parent = process.ppid;
  native.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (process.ppid !== parent) return;
  process.umask(0);
  writeNow(
    1,
    encodeAnswer(await answer(async () => await applyLayer(native, readDescriptor(0), target, { isUnmasked: true }))),
  );
}

async function answer(work: () => Promise<AppliedLayer>): Promise<UnpackAnswer> {
  try {
    return { applied: await work() };
  } catch (error) {
    const { message, code, syscall } = error as NodeJS.ErrnoException;
    if (isRpcError(error)) return { failed: { message, rpc: error.code } };
    return { failed: { message, ...(code === undefined ? {} : { code }), ...(syscall ? { syscall } : {}) } };
  }
}
