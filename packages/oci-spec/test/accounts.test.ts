import { test } from "tap";
import { parseGroups, parsePasswd, resolveGroups, resolveUser, userOfId } from "../src/accounts.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:44:web:/www:/bin/false\nodd:x:70000:70001::/:\n";
const group = "root:x:0:root\nweb:x:44:\nextra:x:50:web,odd\nmore:x:51:web\n";

function resolver(passwdText: string, groupText: string): (request: string) => number[] {
  const files = { passwd: bytes(passwdText), group: bytes(groupText) };
  return (request) => {
    const { uid, gid, additionalGids } = resolveUser(request, files);
    return [uid, gid, ...additionalGids];
  };
}

test("users and groups are resolved by name and by number", async (t) => {
  const resolve = resolver(passwd, group);
  t.strictSame(resolve("web"), [33, 44, 44, 50, 51]);
  t.strictSame(resolve("33"), [33, 44, 44, 50, 51]);
  t.strictSame(resolve("web:extra"), [33, 50, 50]);
  t.strictSame(resolve("web:51"), [33, 51, 51]);
  t.strictSame(resolve("1234"), [1234, 0, 0]);
  t.strictSame(resolve("1234:5678"), [1234, 5678, 5678]);
  t.strictSame(resolve("root"), [0, 0, 0]);
  t.strictSame(resolve(""), [0, 0, 0], "no user is root");
  t.strictSame(resolve(":extra"), [0, 50, 50]);
  t.strictSame(resolve("+33"), [33, 44, 44, 50, 51], "a sign belongs to a number");
  t.strictSame(resolveGroups(["more", "9", "more", "44"], bytes(group)), [51, 9, 44]);
  t.equal(userOfId(33, bytes(passwd))?.home, "/www");
  t.equal(userOfId(34, bytes(passwd)), undefined);
});

test("a number is compared with numbers alone, and a name with names alone", async (t) => {
  const resolve = resolver("1000:x:0:0:::\nreal:x:7:8::/real:\n", "50:x:0:\n8:x:0:real\nstaff:x:60:1000\n");
  t.strictSame(resolve("1000"), [1000, 0, 0], "an account named 1000 is not uid 1000");
  t.strictSame(resolve("+1000"), [1000, 0, 0]);
  t.strictSame(resolve("01000"), [1000, 0, 0]);
  t.strictSame(resolve("7:50"), [7, 50, 50], "a group named 50 is not gid 50");
  t.strictSame(resolve("7:+50"), [7, 50, 50]);
  t.strictSame(resolve("real"), [7, 8, 8, 0]);
  t.strictSame(resolveGroups(["50", "8"], bytes("50:x:0:\n8:x:0:real\n")), [50, 8]);
});

test("names that cannot be resolved are refused with a reason", async (t) => {
  const resolve = resolver(passwd, group);
  t.throws(() => resolve("nobody"), {
    reason: "UserNotFound",
    message: "unable to find user nobody: no matching entries in passwd file",
  });
  t.throws(() => resolve("web:none"), {
    reason: "GroupNotFound",
    message: "unable to find group none: no matching entries in group file",
  });
  for (const request of ["-1", "2147483648", "4294967296", "0:99999999999999999999"])
    t.throws(() => resolve(request), { reason: "IdOutOfRange", message: /range 0-2147483647/ }, request);
  t.throws(() => resolveGroups(["none"], bytes("")), { reason: "GroupNotFound", message: /find group/ });
});

test("account files are read as libc reads them", async (t) => {
  const text = [
    "# users",
    "",
    "+::::::",
    "+nis:x:0:5::/nis:",
    "-games:x:0:5:::",
    "short",
    "nothing:x::",
    "words:x:ten:10::/words:",
    "octal:x:0x10:10::/octal:",
    "wrong:x:11:ten::/wrong:",
    "huge:x:4294967295:0::/huge:",
    "app:x:1000",
    "  padded:x: 1001 :\t1002 :Padded:/padded:/bin/sh  ",
    "windows:x:1003:1004::/windows\r",
    "nogroup:x:1005:4294967294::/:",
    `long:x:1006:1007:${"x".repeat(1 << 20)}:/long:`,
    "last:x:1008:1009::/last",
  ].join("\n");
  t.strictSame(
    [...parsePasswd(bytes(text))].map(({ name, uid, gid, home }) => [name, uid, gid, home]),
    [
      ["app", 1000, 0, ""],
      ["padded", 1001, 1002, "/padded"],
      ["windows", 1003, 1004, "/windows"],
      ["nogroup", 1005, 4294967294, "/"],
      ["long", 1006, 1007, "/long"],
      ["last", 1008, 1009, "/last"],
    ],
  );
  t.strictSame(resolver(text, "")(""), [0, 0, 0], "a line of NIS is not the entry of root");
  for (const name of ["short", "nothing", "words", "+"])
    t.throws(() => resolver(text, "")(name), { reason: "UserNotFound", message: /find user/ }, `${name} is not root`);
});

test("group files are read as libc reads them", async (t) => {
  const members = Array.from({ length: 100_000 }, (_, index) => `user${index}`);
  const text = `#c\n+:::\nwheel\nstaff:x\nempty:x::a\nnogroup:x:4294967294:a, b\r\n big:x:7:${members.join(",")}`;
  const found = [...parseGroups(bytes(text))];
  t.strictSame(
    found.map(({ name, gid }) => [name, gid]),
    [
      ["nogroup", 4294967294],
      ["big", 7],
    ],
  );
  t.strictSame(found[0]?.members, ["a", "b"]);
  t.strictSame(resolver("b:x:5:5", text)("b"), [5, 5, 5, 4294967294]);
  t.strictSame(resolver("user99999:x:5:6", text)("user99999"), [5, 6, 6, 7]);
  t.throws(() => resolver("", text)("1:wheel"), { reason: "GroupNotFound", message: /find group/ });
});

test("a large passwd file is searched to its end", async (t) => {
  const lines = Array.from({ length: 50_000 }, (_, index) => `u${index}:x:${index + 1}:${index + 1}::/home/u${index}:`);
  const large = bytes(lines.join("\n"));
  t.ok(large.length > 1 << 20);
  t.equal(userOfId(50_000, large)?.home, "/home/u49999");
});
