import { test } from "tap";
import { checkLogConfig, logConfigOf } from "../src/logs/log-config.ts";

test("log options: Docker's names and refusals", (t) => {
  const config = (Config: Record<string, string>, Type = "json-file") => ({ LogConfig: { Type, Config } });
  const refused: [Record<string, string>, RegExp][] = [
    [{ size: "1m" }, /^unknown log opt 'size' for json-file log driver$/],
    [{ "max-size": "much" }, /invalid max-size: "much"/],
    [{ "max-size": "0" }, /max-size must be a positive number/],
    [{ "max-file": "0" }, /max-file cannot be less than 1/],
    [
      { compress: "true", "max-file": "3" },
      /compress cannot be true when max-file is less than 2 or max-size is not set/,
    ],
    [{ compress: "perhaps" }, /invalid compress/],
    [{ mode: "fast" }, /logger: logging mode not supported: fast/],
    [{ "max-buffer-size": "1m" }, /max-buffer-size option is only supported with 'mode=non-blocking'/],
    [{ "labels-regex": "(" }, /invalid labels-regex/],
    [{ tag: "{{.Nothing}}" }, /invalid tag: \{\{\.Nothing\}\}: use \{\{\.ID\}\}/],
  ];
  for (const [options, message] of refused) t.throws(() => checkLogConfig(config(options)), { message });
  t.throws(() => checkLogConfig(config({}, "local")), { message: /no log driver named 'local' is registered/ });
  t.doesNotThrow(() => checkLogConfig(config({}, "none")));
  const hostConfig = config({
    ...{ "max-size": "10k", "max-file": "3", compress: "true", mode: "non-blocking", "max-buffer-size": "4k" },
    ...{ labels: "a,none", "labels-regex": "^x\\.", env: "HOME", tag: "{{.Name}}/{{.ID}}" },
  });
  const container = {
    ...{ id: "0123456789abcdef", name: "web", imageId: "sha256:ff", hostConfig },
    config: { Labels: { a: "1", b: "2", "x.y": "3" }, Env: ["HOME=/root=", "OTHER=1"] },
  };
  t.same(logConfigOf(container, "/log"), {
    ...{ driver: "json-file", path: "/log", maxSize: 10_000, maxFiles: 3, compress: true },
    ...{ mode: "non-blocking", maxBufferSize: 4096 },
    attrs: { a: "1", "x.y": "3", HOME: "/root=", tag: "web/0123456789ab" },
  });
  t.end();
});
