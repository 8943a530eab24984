/** Put here by the build. */
declare const sourceCommit: string | undefined;

/** The commit that this program was built from; empty where it runs from source, or was built outside a checkout. */
export const commit: string = typeof sourceCommit === "string" ? sourceCommit : "";
