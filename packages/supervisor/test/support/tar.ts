import { buffer } from "node:stream/consumers";
import * as tar from "tar-stream";

export type Entry = Partial<tar.Headers> & {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** Extended headers (pax(1)), as they stand in the archive. */
  readonly pax?: Readonly<Record<string, string>>;
};

/** A tar of any headers, however hostile. */
export async function tarOf(...entries: readonly Entry[]): Promise<Buffer> {
  const pack = tar.pack();
  const whole = buffer(pack);
  for (const { content, ...header } of entries) {
    if (content === undefined) pack.entry({ mode: 0o644, ...header });
    else pack.entry({ mode: 0o644, ...header }, Buffer.from(content));
  }
  pack.finalize();
  return await whole;
}

export const file = (name: string, content = name, more: Partial<Entry> = {}): Entry => ({ name, content, ...more });
export const directory = (name: string, mode = 0o755, more: Partial<Entry> = {}): Entry => ({
  name,
  type: "directory",
  mode,
  ...more,
});
export const symlink = (name: string, linkname: string): Entry => ({ name, type: "symlink", linkname });
export const link = (name: string, linkname: string): Entry => ({ name, type: "link", linkname });
