import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaries } from "./binaries.ts";
import { zeromqLoader } from "./bundle.ts";
import { metafileOf } from "./metafile.ts";
import { paths } from "./paths.ts";

/**
 * Prints THIRD-PARTY-NOTICES.md: what others wrote and the binaries contain, with their licences.
 * npm packages are found by bundling every binary; what is linked or carried is listed here by hand.
 */

interface Component {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly licence: string;
  /** How it gets into the binaries. */
  readonly use: string;
  /** Files with its licence's text. */
  readonly texts: readonly string[];
  /** Printed above the texts. */
  readonly remark?: string;
}

const modules = join(paths.root, "node_modules");
const licences = "/usr/share/common-licenses";

const bunRemark = `Bun itself is under the MIT licence. It links JavaScriptCore and other parts of WebKit statically, which are under the
LGPL 2; the source that it is made from is at <https://github.com/oven-sh/WebKit>, and Bun's own source with the steps to
link a changed JavaScriptCore is at <https://github.com/oven-sh/bun> (LICENSE.md there). The binaries of this project
contain Bun's object code unchanged but for the names of environment variables; the sources of all else in them are in
this repository, so that they can be linked anew with another Bun: \`tools/build\`.

Further libraries in Bun, with their licences: BoringSSL (several), brotli (MIT), libarchive (several), lol-html
(BSD-3-Clause), ls-hpack, ls-qpack and lsquic (MIT), mimalloc (MIT), picohttpparser (MIT), zstd (BSD-3-Clause), simdutf
(Apache-2.0), tinycc (LGPL-2.1), uSockets and uWebSockets (Apache-2.0), zlib-ng (Zlib), c-ares (MIT), ICU (Unicode-3.0),
libbase64 (BSD-2-Clause), libdeflate (MIT), libjpeg-turbo (BSD-3-Clause, IJG), libspng (BSD-2-Clause), libwebp
(BSD-3-Clause), highway (Apache-2.0), uucode (MIT), and packages of npm that stand in for Node's modules (MIT).`;

/** Components that esbuild does not bundle: runtimes, addons and libraries that are linked statically. */
function nativeComponents(): Component[] {
  return [
    {
      name: "Node.js",
      version: manifestOf("node").version,
      licence: "MIT",
      use: "runs the binaries that serve; contains V8, libuv, OpenSSL, SQLite and others",
      texts: [nodeLicence()],
    },
    {
      name: "Bun",
      version: bunVersion(),
      licence: "MIT AND LGPL-2.0-or-later",
      use: "runs the binaries that are started for each command; contains JavaScriptCore",
      texts: [join(licences, "LGPL-2")],
      remark: bunRemark,
    },
    {
      name: "libzmq, libsodium",
      version: `of zeromq ${manifestOf("zeromq").version}`,
      licence: "MPL-2.0, ISC",
      use: "linked into zeromq's addon, which is carried unchanged",
      texts: [join(licences, "MPL-2.0")],
      remark: "Source: <https://github.com/zeromq/libzmq>, <https://github.com/jedisct1/libsodium>.",
    },
    {
      name: "libseccomp",
      version: "of Debian's libseccomp-dev",
      licence: "LGPL-2.1-only",
      use: "linked statically into the addon native-sys.node",
      texts: ["/usr/share/doc/libseccomp-dev/copyright", join(licences, "LGPL-2.1")],
      remark: `Source: <https://github.com/seccomp/libseccomp>. The addon's own source is in packages/native-sys/addon; \`tools/build\`
links it with the machine's libseccomp.a, so that it can be linked anew with a changed one.`,
    },
    {
      name: "libstdc++, libgcc",
      version: "of Debian's g++",
      licence: "GPL-3.0-or-later WITH GCC-exception-3.1",
      use: "linked statically into the addon native-sys.node",
      texts: [],
      remark: "The GCC Runtime Library Exception permits this use without further conditions.",
    },
    {
      name: "musl",
      version: "of Debian's musl-dev",
      licence: "MIT",
      use: "linked statically into the init helper and tini-static",
      texts: ["/usr/share/doc/musl-dev/copyright"],
    },
    {
      name: "node-addon-api",
      version: manifestOf("node-addon-api").version,
      licence: "MIT",
      use: "headers compiled into the addon native-sys.node",
      texts: licenceFiles(join(modules, "node-addon-api")),
    },
  ];
}

/** The npm packages whose code is bundled into a binary. */
async function bundledPackages(): Promise<Component[]> {
  const { outputs } = await metafileOf(
    binaries.map(({ entry }) => entry),
    [zeromqLoader],
  );
  const names = Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0))
    .map(([file]) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(file)?.[1])
    .filter((name) => name !== undefined);
  return [...new Set(names)].sort().map((name) => {
    const { version, license } = manifestOf(name);
    const texts = licenceFiles(join(modules, name));
    return { name, version, licence: license, use: "bundled", texts };
  });
}

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8")) as Manifest;
}

function bunVersion(): string {
  const root = JSON.parse(readFileSync(join(paths.root, "package.json"), "utf8")) as Manifest;
  const versions = Object.entries(root.optionalDependencies ?? {}).filter(([name]) => name.startsWith("@oven/bun-"));
  return [...new Set(versions.map(([, version]) => version))].join(", ");
}

function nodeLicence(): string {
  const found = ["x64", "arm64"]
    .map((arch) => join(modules, `node/node_modules/node-linux-${arch}/LICENSE`))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error("the npm package node lacks its LICENSE: npm rebuild node");
  return found;
}

function licenceFiles(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
  return names.sort().map((name) => join(directory, name));
}

/** The text of THIRD-PARTY-NOTICES.md. */
export async function thirdPartyNotices(): Promise<string> {
  const components = [...nativeComponents(), ...(await bundledPackages())];
  return [
    "# Third-party notices",
    "",
    "The standalone binaries contain the works below. This file is printed by `node tools/src/notices.ts`.",
    "",
    "| work | version | licence | use |",
    "| --- | --- | --- | --- |",
    ...components.map(({ name, version, licence, use }) => `| ${name} | ${version} | ${licence} | ${use} |`),
    "",
    ...components.flatMap(section),
  ].join("\n");
}

function section({ name, remark, texts }: Component): string[] {
  return [
    `## ${name}`,
    "",
    ...(remark === undefined ? [] : [remark, ""]),
    ...texts.flatMap((path) => ["```text", readFileSync(path, "utf8").trimEnd().replaceAll("```", "'''"), "```", ""]),
  ];
}

export const noticesPath: string = join(paths.root, "THIRD-PARTY-NOTICES.md");

if (import.meta.main) writeFileSync(noticesPath, await thirdPartyNotices());
