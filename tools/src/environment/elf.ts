/** A section of a 64-bit ELF file in little-endian byte order (elf(5)): what its bytes in the file are. */
export interface Section {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly executable: boolean;
}

const executableFlag = 4n;
/** SHT_NOBITS: a section without bytes in the file. */
const noBits = 8;

/** The sections that are loaded. @throws Error for a file that is not such an ELF file */
export function loadedSections(file: Buffer): Section[] {
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1)
    throw new Error("not a 64-bit ELF file in little-endian byte order");
  const table = Number(file.readBigUInt64LE(0x28));
  const [entrySize, count, namesIndex] = [file.readUInt16LE(0x3a), file.readUInt16LE(0x3c), file.readUInt16LE(0x3e)];
  const headers = Array.from({ length: count }, (_, index) => file.subarray(table + index * entrySize));
  const place = (header: Buffer) => {
    const start = Number(header.readBigUInt64LE(0x18));
    return { start, end: start + Number(header.readBigUInt64LE(0x20)) };
  };
  const names = place(headers[namesIndex] as Buffer);
  const nameAt = (offset: number) => {
    const from = names.start + offset;
    return file.toString("latin1", from, file.indexOf(0, from));
  };
  return headers
    .filter((header) => header.readUInt32LE(4) !== noBits && header.readBigUInt64LE(0x10) !== 0n)
    .map((header) => ({
      name: nameAt(header.readUInt32LE(0)),
      ...place(header),
      executable: (header.readBigUInt64LE(8) & executableFlag) !== 0n,
    }));
}
