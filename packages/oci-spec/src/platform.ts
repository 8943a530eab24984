/** image-spec's platform of a descriptor, in Go's names (GOOS, GOARCH). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

interface Candidate {
  readonly platform?: Platform | undefined;
}

const nodeArchitectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

/** Names that kernels and distributions use, in Go's names. */
const aliases: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  i386: ["386"],
  i686: ["386"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
};

const known = new Set([
  "386",
  "amd64",
  "arm",
  "arm64",
  "loong64",
  "mips64",
  "mips64le",
  "mipsle",
  "ppc64",
  "ppc64le",
  "riscv64",
  "s390x",
  "wasm",
]);

/** The platform of this machine's containers. */
export function hostPlatform(): Platform {
  const architecture = nodeArchitectures[process.arch] ?? process.arch;
  return normalizePlatform({ os: "linux", architecture });
}

/**
 * Reads `linux/arm64/v8`, `linux/amd64`, or an operating system or architecture alone, which the host completes.
 * @throws Error naming the text and the forms allowed
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  if (parts.length > 3 || parts.some((part) => !/^[A-Za-z0-9_.-]+$/.test(part))) throw badPlatform(text);
  const [first = "", second, third] = parts.map((part) => part.toLowerCase());
  if (second !== undefined) {
    return normalizePlatform({ os: first, architecture: second, ...(third === undefined ? {} : { variant: third }) });
  }
  if (["linux", "windows", "darwin", "freebsd"].includes(first)) return { ...hostPlatform(), os: first };
  const platform = normalizePlatform({ os: "linux", architecture: first });
  if (!known.has(platform.architecture)) throw badPlatform(text);
  return platform;
}

/** `linux/arm64`, `linux/arm/v7`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter(Boolean).join("/");
}

/** Aliases replaced, and the variant left out where it says no more than the architecture does. */
export function normalizePlatform(platform: Platform): Platform {
  const [architecture, aliasVariant] = aliases[platform.architecture] ?? [platform.architecture];
  let variant = platform.variant || aliasVariant;
  if (variant !== undefined && /^[0-9]/.test(variant)) variant = `v${variant}`;
  if (architecture === "arm" && variant === undefined) variant = "v7";
  if ((architecture === "arm64" && variant === "v8") || (architecture === "amd64" && variant === "v1")) {
    variant = undefined;
  }
  return { os: platform.os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** True when a machine of platform `wanted` runs images for `offered`. */
export function matchesPlatform(wanted: Platform, offered: Platform): boolean {
  return rank(wanted, offered) >= 0;
}

/** The candidate that suits `wanted` best; the first of equals; undefined when none runs there. */
export function selectPlatform<T extends Candidate>(candidates: readonly T[], wanted: Platform): T | undefined {
  return rankPlatforms(candidates, wanted)[0];
}

/** The candidates that run on `wanted`, the most suitable first, equals in their order. */
export function rankPlatforms<T extends Candidate>(candidates: readonly T[], wanted: Platform): T[] {
  return candidates
    .map((candidate) => ({ candidate, at: candidate.platform ? rank(wanted, candidate.platform) : -1 }))
    .filter(({ at }) => at >= 0)
    .sort((one, other) => one.at - other.at)
    .map(({ candidate }) => candidate);
}

/** Index in the list of platforms that the wanted one runs, best first; -1 when it is not in it. */
function rank(wanted: Platform, offered: Platform): number {
  const offer = formatPlatform(normalizePlatform(offered));
  return runnable(normalizePlatform(wanted)).findIndex((platform) => formatPlatform(platform) === offer);
}

/** Newer processors run programs for older ones of their family: arm v8 runs v7, amd64 v3 runs v2 and v1. */
function runnable(wanted: Platform): Platform[] {
  const { os, architecture } = wanted;
  const level = Number(wanted.variant?.slice(1) ?? Number.NaN);
  if (architecture === "arm") return downFrom(os, "arm", level, 5);
  if (architecture === "arm64") {
    const own = wanted.variant === undefined ? [wanted] : [wanted, { os, architecture }];
    return [...own, ...downFrom(os, "arm", 8, 5)];
  }
  if (architecture === "amd64") {
    const newer = Number.isNaN(level) ? [] : downFrom(os, "amd64", level, 2);
    return [...newer, { os, architecture }, { os, architecture: "386" }];
  }
  return [wanted];
}

function downFrom(os: string, architecture: string, from: number, to: number): Platform[] {
  const all: Platform[] = [];
  for (let level = from; level >= to; level--) all.push({ os, architecture, variant: `v${level}` });
  return all;
}

function badPlatform(text: string): Error {
  return new Error(
    `invalid platform "${text}": must be OS[/ARCHITECTURE[/VARIANT]], such as linux/arm64 or linux/arm/v7`,
  );
}
