/** The version of this binary. */
export const version = "0.1.0";
