import type { Volume } from "@gantry/ipc/contracts/engine-types";
import { labelMethods, labelText } from "../../format/labels.ts";
import type { ListFormat } from "../../format/list.ts";
import { listCommand } from "../list-command.ts";

/** Shown for properties that the list of volumes does not determine. */
const notCounted = "N/A";

const volumeList: ListFormat<Volume> = {
  typeName: "*formatter.volumeContext",
  standard: "table {{.Driver}}\t{{.Name}}",
  quiet: "{{.Name}}",
  raw: "name: {{.Name}}\ndriver: {{.Driver}}\n",
  rawQuiet: "name: {{.Name}}",
  columns: {
    Driver: { header: "DRIVER", value: ({ Driver }) => Driver },
    Labels: { header: "LABELS", value: ({ Labels }) => labelText(Labels) },
    Links: { header: "LINKS", value: () => notCounted },
    Mountpoint: { header: "MOUNTPOINT", value: ({ Mountpoint }) => Mountpoint },
    Name: { header: "VOLUME NAME", value: ({ Name }) => Name },
    Scope: { header: "SCOPE", value: ({ Scope }) => Scope },
    Size: { header: "SIZE", value: () => notCounted },
  },
  methods: labelMethods,
};

export const command = listCommand({
  objects: "volumes",
  quiet: "volume names",
  setting: "volumesFormat",
  filter: "dangling=true",
  flags: {},
  load: async (engine, request) => (await engine.call("volumeList", request)).Volumes,
  format: () => volumeList,
});
