import { nativeSys } from "@gantry/native-sys";
import { Kept } from "../../src/process/kept.ts";

/** A keeper of this process, which ends with the scope. */
export async function testKept(directory: string): Promise<Kept & AsyncDisposable> {
  const unexpected = () => {
    throw new Error("the keeper's connection ended");
  };
  const kept = await Kept.start(nativeSys(), directory, { onDeath: unexpected, onReplaced: unexpected });
  return Object.assign(kept, { [Symbol.asyncDispose]: () => kept.end() });
}
