import { isDigest } from "./digest.ts";

/**
 * Names of images as the distribution project's grammar has them:
 *
 *     reference := name [":" tag] ["@" digest]
 *     name      := [domain "/"] component ["/" component]*
 *     domain    := host [":" port]
 *
 * and as Docker shortens them: no domain is docker.io, one component of docker.io is in library/, no tag is latest.
 */
export interface Reference {
  /** docker.io, localhost:5000, [::1]:5000 */
  readonly domain: string;
  /** library/busybox */
  readonly path: string;
  readonly tag?: string;
  /** sha256:… */
  readonly digest?: string;
}

/** A text that names no image. */
export class InvalidReferenceError extends Error {
  override name = "InvalidReferenceError";
}

const defaultDomain = "docker.io";
const officialPrefix = "library/";
const maxNameLength = 255;

const hostPart = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const domainForm = new RegExp(`^(?:${hostPart}(?:\\.${hostPart})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const pathForm = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagForm = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/**
 * Reads a reference in its short or full form. A missing tag stays missing.
 * @throws InvalidReferenceError with Docker's message
 */
export function parseReference(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw new InvalidReferenceError(
      `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings: they are ids`,
    );
  }
  const { name, tag, digest } = split(text);
  const { domain, path } = splitDomain(name);
  checkName(text, domain, path);
  if (tag !== undefined && !tagForm.test(tag)) throw invalid(text, tagProblem(tag));
  if (digest !== undefined && !isDigest(digest)) throw invalid(text, `"${digest}" is not a digest`);
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** The reference with the tag "latest" unless it has a tag or a digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: "latest" } : reference;
}

/** domain/path, without tag and digest. */
export function repositoryName(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** The full form: docker.io/library/busybox:latest, docker.io/library/busybox@sha256:… */
export function formatReference(reference: Reference): string {
  return repositoryName(reference) + suffix(reference);
}

/** The short form: busybox:latest. */
export function familiarReference(reference: Reference): string {
  return familiarName(reference) + suffix(reference);
}

/** The repository's short form: busybox, team/app, localhost:5000/app. */
export function familiarName({ domain, path }: Reference): string {
  if (domain !== defaultDomain) return `${domain}/${path}`;
  const short = path.startsWith(officialPrefix) ? path.slice(officialPrefix.length) : path;
  // library/a/b must not become a/b, nor library/localhost localhost: those mean other repositories
  return splitDomain(short).path === path ? short : path;
}

/**
 * The full name of a short form: busybox → docker.io/library/busybox:latest.
 * @throws InvalidReferenceError
 */
export function normalizeReference(text: string): string {
  return formatReference(withDefaultTag(parseReference(text)));
}

/** The short form of a full name; a text that is no reference stays as it is. */
export function familiarize(text: string): string {
  try {
    return familiarReference(parseReference(text));
  } catch {
    return text;
  }
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? "" : `:${tag}`) + (digest === undefined ? "" : `@${digest}`);
}

function split(text: string): { name: string; tag?: string; digest?: string } {
  const at = text.indexOf("@");
  const named = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? {} : { digest: text.slice(at + 1) };
  const colon = named.lastIndexOf(":");
  // a colon before the last slash belongs to a port
  if (colon < 0 || named.indexOf("/", colon) >= 0) return { name: named, ...digest };
  return { name: named.slice(0, colon), tag: named.slice(colon + 1), ...digest };
}

/** The first component is a domain when it looks like one: a dot, a colon, "localhost", or a capital letter. */
function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isDomain = slash >= 0 && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase());
  const given = isDomain ? first : defaultDomain;
  const domain = given === "index.docker.io" ? defaultDomain : given;
  const rest = isDomain ? name.slice(slash + 1) : name;
  return { domain, path: domain === defaultDomain && !rest.includes("/") ? officialPrefix + rest : rest };
}

function checkName(text: string, domain: string, path: string): void {
  if (!pathForm.test(path)) {
    const lower = path.toLowerCase();
    if (lower !== path && pathForm.test(lower)) {
      throw invalid(text, `repository name (${path}) must be lowercase`);
    }
    throw invalid(text);
  }
  if (!domainForm.test(domain)) throw invalid(text, `"${domain}" is not a registry's name`);
  if (path.length > maxNameLength) {
    throw invalid(text, `repository name must not be more than ${maxNameLength} characters`);
  }
}

function tagProblem(tag: string): string {
  if (tag === "") return "the tag is empty";
  return `tag "${tag}" must have 1 to 128 letters, digits, "_", "." or "-", the first none of "." and "-"`;
}

function invalid(text: string, why?: string): InvalidReferenceError {
  return new InvalidReferenceError(`invalid reference format: ${why ?? `"${text}" names no image`}`);
}
