/** Size of the pieces in which streams of files are read, in bytes: large enough that the cost per piece does not count. */
export const pieceBytes = 512 << 10;
