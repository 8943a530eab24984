import { test } from "tap";
import { lastLoggedError, runtimeError } from "../src/runtime/errors.ts";
import { meaningOf } from "../src/runtime/foreign-errors.ts";

const runc = "runc create failed: unable to start container process: ";

test("the messages of runc and crun get codes and reasons", async (t) => {
  const notFound = { code: "InvalidArgument", reason: "ExecutableNotFound" };
  const notPermitted = { code: "InvalidArgument", reason: "ExecutableNotPermitted" };
  const mismatch = { code: "InvalidArgument", reason: "MountTypeMismatch" };
  const cases: readonly (readonly [message: string, meaning: object])[] = [
    [`${runc}exec: "nope": executable file not found in $PATH`, notFound],
    [`${runc}exec: "/nope": stat /nope: no such file or directory`, notFound],
    ["executable file `nope` not found in $PATH: No such file or directory", notFound],
    [`${runc}exec: "/etc/passwd": permission denied`, notPermitted],
    [`${runc}exec: "/etc": is a directory: permission denied`, notPermitted],
    ["exec /g: exec format error", notPermitted],
    ["open executable: Permission denied", notPermitted],
    [
      `${runc}error during container init: error mounting "/etc" to rootfs at "/f": mount /etc:/f, flags: 0x1000: not a directory`,
      mismatch,
    ],
    ["mount `/etc` to `f`: Not a directory", mismatch],
    [
      `${runc}error during container init: error mounting "/x" to rootfs at "/f": stat /x: no such file or directory`,
      { code: "Internal" },
    ],
    ["container does not exist", { code: "NotFound" }],
    ["container with given ID already exists", { code: "AlreadyExists" }],
    ["container `c` already exists", { code: "AlreadyExists" }],
    ["container not running", { code: "FailedPrecondition" }],
    ["cannot start a container that has stopped", { code: "FailedPrecondition" }],
    ["clone: operation not permitted", { code: "PermissionDenied" }],
  ];
  for (const [message, meaning] of cases) t.same(meaningOf(message), meaning, message);
});

test("our own runtime's code and reason count, whatever its text says", async (t) => {
  const line = (fields: object) =>
    `${JSON.stringify({ level: "error", msg: "container does not exist", ...fields })}\n`;
  const errorOf = (log: string) => {
    const logged = lastLoggedError(log);
    return logged && runtimeError("start", logged);
  };
  t.match(errorOf(line({ code: "InvalidArgument", reason: "MountTypeMismatch" })), {
    code: "InvalidArgument",
    data: { reason: "MountTypeMismatch" },
    message: "OCI runtime start failed: container does not exist",
  });
  t.match(errorOf(line({ code: "Internal" })), { code: "Internal", data: undefined });
  t.match(errorOf(line({})), { code: "NotFound" }, "a foreign one has its text alone");
  t.match(errorOf(line({ code: 5, reason: "ExecutableNotFound" })), { code: "NotFound", data: undefined });
  t.equal(errorOf('{"level":"info","msg":"x"}\nno JSON\n'), undefined);
});
