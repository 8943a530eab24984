import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { failedPrecondition } from "../../errors.ts";
import type { TlsOptions } from "./http.ts";

/**
 * Reads a directory in the layout of Docker: *.crt are authorities, NAME.cert with NAME.key the client's certificate.
 * Undefined where the directory does not exist or has none of them.
 * @throws RpcError FailedPrecondition for a certificate without its key, and the reverse
 */
export async function readCertificates(directory: string): Promise<TlsOptions | undefined> {
  const names: readonly string[] = await readdir(directory).catch(() => []);
  const ending = (suffix: string) => names.filter((name) => name.endsWith(suffix)).sort();
  const read = (name: string) => readFile(join(directory, name), "utf8");
  const ca = await Promise.all(ending(".crt").map(read));
  const pairs = ending(".cert").map((name) => [name, name.replace(/cert$/, "key")] as const);
  for (const [cert, key] of pairs) {
    if (!names.includes(key))
      throw failedPrecondition(`missing key ${key} for client certificate ${cert} in ${directory}`);
  }
  for (const key of ending(".key")) {
    const cert = key.replace(/key$/, "cert");
    if (!names.includes(cert))
      throw failedPrecondition(`missing client certificate ${cert} for key ${key} in ${directory}`);
  }
  const [pair] = pairs;
  if (ca.length === 0 && pair === undefined) return undefined;
  const client = pair && { cert: await read(pair[0]), key: await read(pair[1]) };
  return { ca, ...client, skipVerify: false };
}
