/** The version of every program of this project. */
export const version = "0.1.0";
