import { join } from "node:path";
import { CommandError, type Context, defineCommand } from "../../command.ts";
import { readBlob } from "../../images/blob.ts";
import { checkDigest } from "../../parse/digest.ts";

export const command = defineCommand({
  usage: "[OPTIONS] DIGEST",
  summary: "Edit a blob, and print the digest of the new one",
  flags: {
    validate: {
      type: "string",
      value: "FORMAT",
      choices: ["json"],
      doc: "Refuse a result that is not of this format: json",
    },
    editor: { type: "string", value: "PROGRAM", doc: "The editor; else EDITOR" },
  },
  args: [1, 1],
  missing: "please provide a digest",
  examples: ["--validate json sha256:…"],
  async run(context, { values, args: [text = ""] }) {
    const digest = checkDigest(text);
    const editor = values.editor ?? context.env["EDITOR"];
    if (!editor) throw new CommandError("no editor is known: set EDITOR, or use --editor");
    const { namespace } = context;
    const supervisor = await context.supervisor();
    const edited = await edit(context, editor, await readBlob({ supervisor, namespace }, digest));
    if (values.validate === "json") checkJson(edited);
    const stream = supervisor.open("content.write", { namespace });
    await stream.send({}, edited);
    stream.end();
    context.out.print((await stream.result).digest);
    return 0;
  },
});

/** Opens bytes in the user's editor. @throws CommandError when the editor fails */
async function edit({ env }: Context, editor: string, bytes: Uint8Array): Promise<Uint8Array> {
  const { mkdtemp, readFile, rm, writeFile } = await import("node:fs/promises");
  const { spawnSync } = await import("node:child_process");
  const directory = await mkdtemp(join(env["TMPDIR"] || "/tmp", "ctr-edit-"));
  try {
    const file = join(directory, "blob");
    await writeFile(file, bytes);
    // As for git, EDITOR may have arguments.
    const { status } = spawnSync("sh", ["-c", `${editor} "$1"`, "sh", file], { stdio: "inherit" });
    if (status !== 0) throw new CommandError(`${editor} failed: nothing was stored`);
    return await readFile(file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function checkJson(bytes: Uint8Array): void {
  try {
    JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new CommandError(`not JSON: ${(error as Error).message}: nothing was stored`);
  }
}
