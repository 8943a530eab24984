import { test } from "tap";
import { mediaTypes, parseImageConfig, parseIndex, parseManifest } from "../src/image/index.ts";

const digest = `sha256:${"0".repeat(64)}`;
const descriptor = { mediaType: mediaTypes.config, digest, size: 2 };

test("documents are read as Go writes them, unknown fields kept", async (t) => {
  const config = parseImageConfig(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      config: { Env: null, Cmd: ["sh"], Odd: 1 },
      rootfs: { type: "layers", diff_ids: null },
    }),
  );
  t.equal(config.config?.Env, undefined);
  t.strictSame(config.config?.Cmd, ["sh"]);
  t.equal(config.config?.Odd, 1);
  t.strictSame(parseManifest({ schemaVersion: 2, config: descriptor, layers: [] }).layers, []);
});

test("a wrong document is refused with its name and field", async (t) => {
  const wrong = { ...descriptor, digest: "sha256:xx" };
  t.throws(() => parseManifest("{"), { message: /^invalid image manifest: not JSON/ });
  t.throws(() => parseManifest({ schemaVersion: 1 }), { message: /schemaVersion: must be 2/ });
  t.throws(() => parseManifest({ schemaVersion: 2, config: descriptor, layers: [wrong] }), {
    message: /layers\.0\.digest: must be sha256/,
  });
  t.throws(() => parseIndex({ schemaVersion: 2, manifests: [{ ...descriptor, size: -1 }] }), {
    message: /manifests\.0\.size: must not be negative/,
  });
  t.throws(() => parseImageConfig(Buffer.from([0xff])), { message: /invalid image configuration: not JSON/ });
});
