/** The Engine API whose shapes the messages have. */
export const apiVersion = "1.43";
export const minApiVersion = "1.24";
