import type { RpcError } from "@gantry/ipc";
import { failedPrecondition, notFound, permissionDenied, resourceExhausted, unavailable } from "../../errors.ts";
import { type HttpResponse, readSmall } from "./http.ts";
import { retryAfterMs, TransientError } from "./retry.ts";

const largestAnswer = 16 << 10;
const maxMessageLength = 200;

/** What a request was for, for the words of its refusal. */
export interface Purpose {
  /** "pull" or "push". */
  readonly action: string;
  /** The image, as people write it. */
  readonly image: string;
  /** host:port of who refused. */
  readonly host: string;
  /** Whether credentials were sent. */
  readonly hasCredentials: boolean;
  /** Said when it is not there. */
  readonly absent: string;
}

/** A registry's answer that is no success, in words (distribution-spec, "Error Codes"). */
export async function refusal(response: HttpResponse, purpose: Purpose): Promise<RpcError | TransientError> {
  const { status } = response;
  const said = await messageOfRegistry(response);
  const tail = said === "" ? "" : `: ${said}`;
  const { action, image, host, hasCredentials, absent } = purpose;
  if (status === 404) return notFound(`${absent}${tail}`);
  if (status === 401 || status === 403) {
    const who = hasCredentials ? "refuses the credentials" : "wants credentials ('login' keeps them)";
    return permissionDenied(
      `${action} access denied for ${image}: the repository does not exist, or registry ${host} ${who}${tail}`,
    );
  }
  const words = `registry ${host} answers with status ${status}${tail}`;
  if (status === 429 || status >= 500) {
    return new TransientError(words, retryAfterMs(response.headers["retry-after"]));
  }
  if (status === 413) return resourceExhausted(words);
  if (status === 405) return failedPrecondition(`registry ${host} does not allow to ${action}${tail}`);
  return unavailable(words);
}

/** The first error's message of the registry's own document; empty for anything else. */
async function messageOfRegistry({ body }: HttpResponse): Promise<string> {
  const bytes = await readSmall(body, largestAnswer).catch(() => undefined);
  try {
    const value: unknown = JSON.parse(bytes?.toString() ?? "");
    const errors: unknown = (value as { errors?: unknown }).errors;
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    const { code, message } = (first ?? {}) as { code?: unknown; message?: unknown };
    const text = typeof message === "string" && message !== "" ? message : code;
    return typeof text === "string" ? oneLine(text) : "";
  } catch {
    return "";
  }
}

function oneLine(text: string): string {
  return text
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, maxMessageLength);
}
