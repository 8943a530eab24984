import { defined, type Parsed, UsageError } from "@gantry/cli";
import type { ContainerConfig } from "@gantry/ipc/contracts/engine-types";
import { collectEnv, readKeyValueFile } from "../parse/env.ts";
import { flagValue } from "../parse/flag-value.ts";
import { checkedLabels, pairs } from "../parse/pairs.ts";
import { parsePorts } from "../parse/ports.ts";
import { parseVolumes } from "../parse/volumes.ts";
import { createFlags } from "./create-flags.ts";
import type { CreateContext, CreateValues } from "./create-request.ts";

const streams = ["stdin", "stdout", "stderr"];

/** The portable half of a create request. @throws UsageError or Error of a wrong value */
export function containerConfig(parsed: Parsed<typeof createFlags>, context: CreateContext): ContainerConfig {
  const { values, args } = parsed;
  const [image = "", ...command] = args;
  const ports = parsePorts(values.publish, values.expose);
  const volumes = parseVolumes(values.volume, context.cwd).anonymous;
  const env = collectEnv(values["env-file"], checkedEnv(values.env), context.env);
  const fileLabels = values["label-file"].flatMap((file) => readKeyValueFile(file, () => ""));
  const labels = pairs([...fileLabels, ...checkedLabels(createFlags, values.label)]);
  return defined({
    Image: image,
    Cmd: command.length > 0 ? command : undefined,
    Entrypoint: values.entrypoint === undefined ? undefined : [values.entrypoint],
    Hostname: values.hostname,
    Domainname: values.domainname,
    User: values.user,
    WorkingDir: values.workdir,
    Env: env.length > 0 ? env : undefined,
    Labels: nonEmpty(labels),
    ExposedPorts: nonEmpty(ports.exposed),
    Volumes: nonEmpty(volumes),
    StopSignal: values["stop-signal"],
    StopTimeout: values["stop-timeout"],
    ...streamConfig(values, context.detach),
  });
}

/** The streams that are attached: those of -a, else stdout and stderr; stdin also with -i. @throws UsageError */
export function attachedStreams(values: CreateValues): { stdin: boolean; stdout: boolean; stderr: boolean } {
  const chosen = values.attach.map((text) =>
    flagValue(createFlags, "attach", text, (name) => {
      if (!streams.includes(name.toLowerCase())) throw new Error("valid streams are STDIN, STDOUT and STDERR");
      return name.toLowerCase();
    }),
  );
  const stdin = values.interactive || chosen.includes("stdin");
  if (chosen.length === 0) return { stdin, stdout: true, stderr: true };
  return { stdin, stdout: chosen.includes("stdout"), stderr: chosen.includes("stderr") };
}

function streamConfig(values: CreateValues, detach: boolean): Partial<ContainerConfig> {
  const attached = attachedStreams(values);
  if (detach && values.attach.length > 0) throw new Error("Conflicting options: -a and -d");
  return {
    Tty: values.tty,
    OpenStdin: values.interactive,
    StdinOnce: values.interactive && attached.stdin && !detach,
    AttachStdin: attached.stdin && !detach,
    AttachStdout: attached.stdout && !detach,
    AttachStderr: attached.stderr && !detach,
  };
}

function checkedEnv(given: readonly string[]): readonly string[] {
  for (const text of given) {
    if (text === "" || text.startsWith("=")) {
      throw new UsageError(
        `invalid argument ${JSON.stringify(text)} for "-e, --env" flag: invalid environment variable: ${text}`,
      );
    }
  }
  return given;
}

function nonEmpty<T extends object>(object: T): T | undefined {
  return Object.keys(object).length > 0 ? object : undefined;
}
