import { test } from "tap";
import { mediaTypes, parseDockerArchive, parseImageConfig, parseIndex, parseManifest } from "../src/image/index.ts";
import { hostPlatform } from "../src/platform.ts";

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

test("an optional field may be null, absent or empty, and keys match whatever their case", async (t) => {
  const bare = parseImageConfig('{"rootfs": {}}');
  t.match(bare, { ...hostPlatform(), rootfs: { type: "layers" } }, "what is missing has its default");
  t.same(parseImageConfig('{"os": "", "architecture": null, "rootfs": {"type": "", "diff_ids": null}}'), bare);
  const odd = parseImageConfig(
    JSON.stringify({
      ...{ OS: "linux", Architecture: "arm64", created: "", author: null, variant: null },
      config: {
        ...{ user: "1000", cmd: ["sh"], EXPOSEDPORTS: { "80/tcp": null }, Volumes: { "/data": null } },
        ...{ Labels: { a: null }, Env: ["A=1", null], StopSignal: null, Healthcheck: { test: null, Interval: null } },
        ...{ Entrypoint: "/bin/env", Shell: "", OnBuild: null },
      },
      rootfs: { diff_ids: [digest] },
      history: [{ created: null, created_by: null, author: null, comment: null, empty_layer: null }],
    }),
  );
  t.match(odd, { os: "linux", architecture: "arm64", created: undefined, author: undefined });
  t.match(odd.config, { User: "1000", Cmd: ["sh"], ExposedPorts: { "80/tcp": {} }, Volumes: { "/data": {} } });
  t.match(odd.config, { Labels: { a: "" }, Env: ["A=1", ""], StopSignal: undefined, Healthcheck: {} });
  t.match(odd.config, { Entrypoint: ["/bin/env"], Shell: [], OnBuild: undefined });
  t.strictSame(parseManifest({ config: { ...descriptor, mediaType: null }, layers: null }).layers, []);
  t.strictSame(parseIndex({ schemaVersion: null, Manifests: null }).manifests, []);
  const platforms = [{}, { os: "", architecture: "" }, { architecture: "arm", variant: null }, null];
  const { manifests } = parseIndex({ manifests: platforms.map((platform) => ({ ...descriptor, platform })) });
  t.strictSame(manifests[0]?.platform, undefined, "an empty platform says nothing");
  t.strictSame(manifests[1]?.platform, undefined);
  t.match(manifests[2]?.platform, { os: "linux", architecture: "arm", variant: undefined });
  t.strictSame(manifests[3]?.platform, undefined);
  t.match(parseDockerArchive('[{"config": "c", "repotags": null, "LAYERS": ["l"]}]'), [{ Config: "c", Layers: ["l"] }]);
});

test("bytes that are not UTF-8 are no reason to refuse, and names of Object's own stay names", async (t) => {
  const bytes = Buffer.from(`{"author": "caf\xe9", "rootfs": {}, "__proto__": {"polluted": 1}}`, "latin1");
  const config = parseImageConfig(bytes);
  t.equal(config.author, "caf\ufffd");
  t.equal(Reflect.get({}, "polluted"), undefined);
});

test("a wrong value in an odd place is still refused with its path", async (t) => {
  const refused = (config: object, message: RegExp) =>
    t.throws(() => parseImageConfig({ rootfs: {}, ...config }), { message });
  refused({ config: { Cmd: 5 } }, /config\.Cmd: /);
  refused({ config: { Env: "A=1" } }, /config\.Env: /);
  refused({ config: { ExposedPorts: ["80"] } }, /config\.ExposedPorts/);
  refused({ config: { volumes: { "/data": "x" } } }, /config\.Volumes\.\/data: /);
  refused({ rootfs: { type: "base" } }, /rootfs\.type: must be "layers"/);
  refused({ rootfs: { diff_ids: [""] } }, /rootfs\.diff_ids\.0: must be sha256/);
  refused({ rootfs: null }, /rootfs/);
  t.throws(() => parseManifest({ layers: [] }), { message: /config/ });
});
