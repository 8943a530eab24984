/** Takes the files of an archive, in the order in which they come. */
export interface ArchiveWriter {
  directory(path: string): Promise<void>;
  /** @param bytes the file's content, exactly `size` bytes of it */
  file(path: string, size: number, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** Says that no more follows. @returns bytes written */
  end(): Promise<number>;
}
