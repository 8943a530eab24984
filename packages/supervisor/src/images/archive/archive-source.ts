import type { Ingest } from "../../content/ingest.ts";

/** The files of an image archive, wherever they are. Paths are relative; links are followed inside of the archive. */
export interface ArchiveSource extends Disposable {
  /** All paths of regular files; empty where a directory would have to be searched for them. */
  paths(): readonly string[];
  has(path: string): boolean;
  /** A file whose digest is known, ready to become a blob. @throws RpcError InvalidArgument when the archive lacks it */
  file(path: string): Promise<Ingest>;
  /** All of a small file that has not become a blob yet. @throws RpcError InvalidArgument */
  document(path: string): Promise<Buffer>;
}

/** Documents are held in memory: larger ones are refused. */
export const maxDocumentBytes = 16 << 20;
