import { createHash } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

/**
 * A registry that lies, in the way that the repository's name says. Serves one image of one layer, read from standard
 * input, on the loopback port given as the only argument; says "ready" on standard output.
 */

const layer = await buffer(process.stdin);
const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const config = Buffer.from(
  JSON.stringify({
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: { Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
  }),
);
const types = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
};
const manifestOf = (size = layer.length) =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: { mediaType: types.config, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: types.layer, digest: digestOf(layer), size }],
    }),
  );

type Answer = (response: ServerResponse) => void;
const manifest = (bytes: Uint8Array, type = types.manifest): Answer => {
  return (response) => response.writeHead(200, { "content-type": type }).end(bytes);
};
const status = (code: number, headers: Record<string, string> = {}): Answer => {
  return (response) => response.writeHead(code, headers).end("{}");
};
const endless: Answer = (response) => {
  response.writeHead(200, { "content-type": types.manifest });
  const more = () => {
    while (!response.destroyed && response.write(Buffer.alloc(1 << 20, " ")));
  };
  response.on("drain", more);
  more();
};

/** repository → what is wrong: with the manifest, or with the layer's blob. */
const lies: Readonly<Record<string, { manifest?: Answer; blob?: Answer }>> = {
  honest: {},
  "no-json": { manifest: manifest(Buffer.from("<html>")) },
  "other-type": { manifest: manifest(Buffer.from("<html>"), "text/html") },
  "other-shape": { manifest: manifest(Buffer.from('{"schemaVersion":1}')) },
  "endless-manifest": { manifest: endless },
  "cut-manifest": {
    manifest: (response) => {
      response.writeHead(200, { "content-type": types.manifest, "content-length": "1000" });
      response.write("{", () => response.destroy());
    },
  },
  "wrong-digest": { blob: (response) => response.end(Buffer.alloc(layer.length)) },
  "wrong-size": { manifest: manifest(manifestOf(5)) },
  "too-much": { blob: (response) => response.end(Buffer.concat([layer, layer])) },
  "endless-blob": { blob: endless },
  "cut-blob": {
    blob: (response) => {
      response.writeHead(200, { "content-length": String(layer.length) });
      response.write(layer.subarray(0, 1000), () => response.destroy());
    },
  },
  "no-blob": { blob: status(404) },
  "broken-blob": { blob: status(500) },
  broken: { manifest: status(503) },
  teapot: { manifest: status(418) },
  circle: { manifest: status(307, { location: "/v2/circle/manifests/1" }) },
  "blob-circle": { blob: status(302, { location: `/v2/blob-circle/blobs/${digestOf(layer)}` }) },
  elsewhere: { blob: status(307, { location: "file:///etc/passwd" }) },
  nowhere: { blob: status(307, { location: "http://127.0.0.1:5999/" }) },
  "auth-circle": { manifest: status(401, { "www-authenticate": 'Bearer realm="http://127.0.0.1:5007/token"' }) },
  "auth-nonsense": { manifest: status(401, { "www-authenticate": 'Bearer realm="\u00e9", , =' }) },
  "no-token": { manifest: status(401, { "www-authenticate": 'Bearer realm="http://127.0.0.1:5007/none"' }) },
  slow: {
    blob: (response) => {
      response.writeHead(200, { "content-length": String(layer.length) });
      const timer = setInterval(() => response.write(layer.subarray(0, 1)), 50);
      response.on("close", () => clearInterval(timer));
    },
  },
};

const server = createServer((request, response) => {
  const [, , repository = "", kind, reference = ""] = (request.url ?? "").split("/");
  if (request.url?.startsWith("/token")) response.end('{"token":"x"}');
  else if (kind === "manifests") (lies[repository]?.manifest ?? manifest(manifestOf()))(response);
  else if (kind === "blobs" && reference === digestOf(config)) response.end(config);
  else if (kind === "blobs") (lies[repository]?.blob ?? ((to: ServerResponse) => to.end(layer)))(response);
  else response.writeHead(404).end();
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => process.stdout.write("ready\n"));
