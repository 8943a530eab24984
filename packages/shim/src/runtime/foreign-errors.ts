import type { ErrorCode, ErrorReason } from "@gantry/ipc";

/** The part of an error that is for programs. */
export interface Meaning {
  readonly code: ErrorCode;
  readonly reason?: ErrorReason;
}

/**
 * The messages of runc, crun and youki, which have no codes: the only place of this project that matches text. The
 * first match counts. Our own runtime reports a code and a reason (errors.ts).
 */
const meanings: readonly (readonly [text: RegExp, meaning: Meaning])[] = [
  [/container .*does not exist|no such container|container not found/i, { code: "NotFound" }],
  [/already exists|given ID already/i, { code: "AlreadyExists" }],
  [
    // runc: exec: "x": executable file not found in $PATH; exec: "/x": stat /x: no such file or directory
    // crun: executable file `x` not found: No such file or directory
    /executable file .*not found|exec(ve)?[ :].*no such file/i,
    { code: "InvalidArgument", reason: "ExecutableNotFound" },
  ],
  [
    // runc: exec: "/x": permission denied; exec /x: exec format error
    // crun: open executable: Permission denied; the path `/x` exists but it is not executable
    /(exec(ve)?[ :]|executable:).*(permission denied|is a directory|format error)|it is not executable/i,
    { code: "InvalidArgument", reason: "ExecutableNotPermitted" },
  ],
  [
    // runc: error mounting "/x" to rootfs at "/y": … not a directory; crun: mount `/x` to `y`: Not a directory
    /\bmount(ing)?\b.*not a directory/i,
    { code: "InvalidArgument", reason: "MountTypeMismatch" },
  ],
  [
    /not running|not paused|already (finished|stopped|paused|running)|that has stopped|cannot \w+ a? ?(stopped|paused)/i,
    { code: "FailedPrecondition" },
  ],
  [/operation not permitted/i, { code: "PermissionDenied" }],
];

/** The meaning of a foreign runtime's message; Internal where it has none that is known. */
export function meaningOf(message: string): Meaning {
  return meanings.find(([text]) => text.test(message))?.[1] ?? { code: "Internal" };
}
