import type { RpcError } from "@gantry/ipc";
import { failedPrecondition, notFound, permissionDenied, resourceExhausted, unavailable } from "../../errors.ts";
import { type HttpResponse, readSmall } from "./http.ts";
import { retryAfterMs, TransientError } from "./retry.ts";

const maxErrorBytes = 16 << 10;
const maxMessageLength = 200;

/** The purpose of a request, for the message of its error. */
export interface Purpose {
  /** "pull" or "push". */
  readonly action: string;
  /** The image, as users write it. */
  readonly image: string;
  /** host:port of the server. */
  readonly host: string;
  /** Whether credentials were sent. */
  readonly hasCredentials: boolean;
  /** Message for 404. */
  readonly absent: string;
}

/** The error for an unsuccessful response (distribution-spec, "Error Codes"). */
export async function refusal(response: HttpResponse, purpose: Purpose): Promise<RpcError | TransientError> {
  const { status } = response;
  const details = await messageOfRegistry(response);
  const tail = details === "" ? "" : `: ${details}`;
  const { action, image, host, hasCredentials, absent } = purpose;
  if (status === 404) return notFound(`${absent}${tail}`);
  if (status === 401 || status === 403) {
    const who = hasCredentials ? "refuses the credentials" : "wants credentials ('login' keeps them)";
    return permissionDenied(
      `${action} access denied for ${image}: the repository does not exist, or registry ${host} ${who}${tail}`,
    );
  }
  const message = `registry ${host} answers with status ${status}${tail}`;
  if (status === 429 || status >= 500) {
    return new TransientError(message, retryAfterMs(response.headers["retry-after"]));
  }
  if (status === 413) return resourceExhausted(message);
  if (status === 405) return failedPrecondition(`registry ${host} does not allow to ${action}${tail}`);
  return unavailable(message);
}

/** The message of the first error in the response; empty for other documents. */
async function messageOfRegistry({ body }: HttpResponse): Promise<string> {
  const bytes = await readSmall(body, maxErrorBytes).catch(() => undefined);
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
