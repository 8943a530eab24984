/** Writes the files of an archive, in the order of the calls. */
export interface ArchiveWriter {
  directory(path: string): Promise<void>;
  /** @param bytes the file's content, exactly `size` bytes of it */
  file(path: string, size: number, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** Ends the archive. @returns bytes written */
  end(): Promise<number>;
}
