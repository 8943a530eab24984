/** Of the program; `--version` and a worker's greeting tell it. */
export const version = "0.1.0";
