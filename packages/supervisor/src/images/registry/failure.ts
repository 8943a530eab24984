import { messageOf } from "@gantry/common/error-message";
import { RpcError } from "@gantry/ipc";
import { unavailable } from "../../errors.ts";
import { networkCode, TransientError } from "./retry.ts";

/** Codes of connections that broke, as opposed to those that could not be made. */
const cutCodes = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "ECONNABORTED", "ERR_STREAM_PREMATURE_CLOSE"]);

const unknownAuthority = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
]);

/** The error for a failed request; a TransientError where another attempt may succeed. */
export function requestFailure(error: unknown, host: string): unknown {
  if (error instanceof RpcError || error instanceof TransientError) return error;
  const code = networkCode(error);
  if (isCut(error)) return new TransientError(`the connection to ${host} was cut`, undefined, { cause: error });
  if (code === "EAI_AGAIN") {
    const message = `the address of registry ${host} cannot be looked up now`;
    return new TransientError(message, undefined, { cause: error });
  }
  return unavailable(`cannot reach registry ${host}: ${reasonOf(error, code, host)}`, error);
}

/** True for a connection that broke. */
export function isCut(error: unknown): boolean {
  return cutCodes.has(networkCode(error) ?? "") || (error instanceof Error && error.message === "aborted");
}

/** True when the server does not use TLS; Node and OpenSSL report it in several ways. */
function isPlainHttp(error: unknown): boolean {
  const details = `${networkCode(error)} ${messageOf(error)}`;
  return /wrong.version.number|packet.length.too.long|http.request/i.test(details);
}

function reasonOf(error: unknown, code: string | undefined, host: string): string {
  if (code === "ECONNREFUSED") return "connection refused";
  if (code === "ENOTFOUND") return "no such host";
  if (isPlainHttp(error)) {
    return `server gave HTTP response to HTTPS client: plain HTTP must be allowed, by 'server = "http://${host}"' in certs.d/${host}/hosts.toml`;
  }
  if (code !== undefined && unknownAuthority.has(code)) {
    return `its certificate is signed by an unknown authority: put the authority's certificate into certs.d/${host}/ca.crt`;
  }
  if (code === "CERT_HAS_EXPIRED") return "its certificate has expired";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `its certificate is not for this name: ${messageOf(error)}`;
  const cause = error instanceof AggregateError ? error.errors[0] : error;
  return messageOf(cause).split("\n")[0] ?? "";
}
