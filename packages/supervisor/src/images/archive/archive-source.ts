import type { Ingest } from "../../content/ingest.ts";

/** The files of an image archive. Paths are relative; links are followed inside the archive. */
export interface ArchiveSource extends Disposable {
  /** All paths of regular files; empty for a directory, which is not searched. */
  paths(): readonly string[];
  has(path: string): boolean;
  /** A file as an ingest with a known digest. @throws RpcError InvalidArgument for a missing file */
  file(path: string): Promise<Ingest>;
  /** The content of a small file that is not a blob yet. @throws RpcError InvalidArgument */
  document(path: string): Promise<Buffer>;
}

/** Documents are read into memory: larger ones are refused. */
export const maxDocumentBytes = 16 << 20;
