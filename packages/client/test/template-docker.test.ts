import { run } from "@gantry/testkit";
import { test } from "tap";
import { typedDocument } from "../src/format/template/document.ts";
import { compileTemplate } from "../src/format/template/index.ts";
import { dockerPeer } from "./docker-peer.ts";
import { standInEngine } from "./stand-in-engine.ts";
import { container, type TemplateRow, templateRows } from "./template-rows.ts";

const prefix = "template parsing error: ";

function rendered(template: string): TemplateRow {
  try {
    return [template, 0, compileTemplate(template, { exitCode: 64 }).render(typedDocument(container), container)];
  } catch (error) {
    const { exitCode, message } = error as { exitCode: number; message: string };
    return [template, exitCode, message.replace(prefix, "")];
  }
}

test("every template gives docker's output, or its error and exit code", async (t) => {
  t.ok(templateRows.length >= 150);
  for (const row of templateRows) t.strictSame(rendered(row[0]), row, row[0]);
});

/** Every so many rows docker is run again: each run is a process. */
const stride = 15;
/** Older ones are built with versions of Go whose templates know less. */
const oldest = 27;

test("docker prints what the table says", async (t) => {
  const version = (await run("docker", ["--version"]).catch(() => undefined))?.stdout ?? "";
  if (Number(/version (\d+)/.exec(version)?.[1] ?? 0) < oldest) {
    t.pass(`needs docker ${oldest} or newer`);
    return;
  }
  await using peer = await dockerPeer({ "/containers/web/json": container });
  const check = async ([template, code, text]: TemplateRow) => {
    const result = await peer.docker(["inspect", "--type", "container", "--format", template, "web"]);
    const stderr = code === 0 ? "" : `${prefix}${text}\n`;
    t.strictSame([result.code, result.stderr], [code, stderr], template);
    if (code === 0) t.equal(result.stdout, `${text}\n`, template);
  };
  await Promise.all(templateRows.filter((_, at) => at % stride === 0).map(check));
});

test("a template that calls itself without end fails as Go's do", async (t) => {
  t.match(rendered('{{define "r"}}{{template "r" .}}{{end}}{{template "r" .}}'), [
    /define/,
    1,
    /exceeded maximum template depth \(100000\)/,
  ]);
});

/** Command line, exit code and standard error of docker 28.2. */
const failures: readonly (readonly [args: readonly string[], code: number, stderr: string])[] = [
  [["ps", "--format", "{{.Id"], 1, "failed to parse template: template: :1: unclosed action\n"],
  [
    ["ps", "--format", "{{.Nope}}"],
    1,
    'failed to execute template: template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope in type *formatter.ContainerContext\n',
  ],
  [["images", "--format", "{{nope}}"], 1, 'template parsing error: template: :1: function "nope" not defined\n'],
  [["version", "--format", "{{.Id"], 64, "template parsing error: template: version:1: unclosed action\n"],
  [
    ["version", "--format", "{{.Nope}}"],
    1,
    'template: version:1:2: executing "version" at <.Nope>: can\'t evaluate field Nope in type system.versionInfo\n',
  ],
  [["info", "--format", "{{.Id"], 64, "template parsing error: template: :1: unclosed action\n"],
  [
    ["info", "--format", "{{.Nope}}"],
    1,
    'template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope in type system.dockerInfo\n',
  ],
];

test("each command puts docker's prefix in front of the error", async (t) => {
  await using engine = await standInEngine({
    imageList: async () => ({ Images: [] }),
    version: async () => ({ Version: "1" }),
    info: async () => ({ ID: "x" }),
  });
  for (const [args, code, stderr] of failures) {
    const result = await engine.client(args);
    t.strictSame([result.code, result.stderr], [code, stderr], args.join(" "));
  }
});
