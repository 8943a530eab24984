import { humanSize } from "@gantry/cli/size";
import { ago } from "@gantry/common/duration";
import type { ContainerSummary } from "@gantry/ipc/contracts/engine-types";
import { labelMethods, labelText } from "./labels.ts";
import type { ListFormat } from "./list.ts";
import { formatPorts } from "./ports.ts";
import { quote } from "./template/quote.ts";
import { ellipsis, shortId } from "./text.ts";
import { goTime } from "./time.ts";

const commandColumns = 20;
const mountColumns = 15;

/** The columns of `ps`. */
export function containerList(options: {
  truncate: boolean;
  size: boolean;
  now: number;
}): ListFormat<ContainerSummary> {
  const { truncate, now } = options;
  const cut = (text: string, columns: number): string => (truncate ? ellipsis(text, columns) : text);
  const columns = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
  return {
    typeName: "*formatter.ContainerContext",
    standard: `table ${columns}${options.size ? "\t{{.Size}}" : ""}`,
    quiet: "{{.ID}}",
    quietOnly: true,
    raw: [
      "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}",
      "state: {{- pad .State 1 0}}\nstatus: {{- pad .Status 1 0}}\nnames: {{.Names}}",
      `labels: {{- pad .Labels 1 0}}\nports: {{- pad .Ports 1 0}}\n${options.size ? "size: {{.Size}}\n" : ""}`,
    ].join("\n"),
    rawQuiet: "container_id: {{.ID}}",
    columns: {
      Command: { header: "COMMAND", value: ({ Command }) => quote(cut(Command, commandColumns)) },
      CreatedAt: { header: "CREATED AT", value: ({ Created }) => goTime(Created) },
      ID: { header: "CONTAINER ID", value: ({ Id }) => (truncate ? shortId(Id) : Id) },
      Image: { header: "IMAGE", value: (container) => imageName(container, truncate) },
      Labels: { header: "LABELS", value: ({ Labels }) => labelText(Labels) },
      LocalVolumes: {
        header: "LOCAL VOLUMES",
        value: ({ Mounts }) => String(Mounts.filter((mount) => mount["Driver"] === "local").length),
      },
      Mounts: {
        header: "MOUNTS",
        value: ({ Mounts }) =>
          Mounts.map((mount) => cut(String(mount["Name"] || mount.Source), mountColumns)).join(","),
      },
      Names: { header: "NAMES", value: ({ Names }) => Names.map((name) => name.replace(/^\//, "")).join(",") },
      Networks: {
        header: "NETWORKS",
        value: ({ NetworkMode }) => (NetworkMode === "default" ? "bridge" : NetworkMode),
      },
      Ports: { header: "PORTS", value: ({ Ports }) => formatPorts(Ports) },
      RunningFor: { header: "CREATED", value: ({ Created }) => ago(Created, now) },
      Size: { header: "SIZE", value: sizeText },
      State: { header: "STATE", value: ({ State }) => State },
      Status: { header: "STATUS", value: ({ Status }) => Status },
    },
    methods: labelMethods,
  };
}

function imageName({ Image, ImageID }: ContainerSummary, truncate: boolean): string {
  if (Image === "") return "<no image>";
  if (!truncate) return Image;
  if (ImageID !== "" && /^(sha256:)?[0-9a-f]{12,64}$/.test(Image) && shortId(ImageID) === shortId(Image)) {
    return shortId(Image);
  }
  // Of a name with both tag and digest only the tag is shown.
  const at = Image.indexOf("@");
  return at > 0 && Image.slice(0, at).lastIndexOf(":") > Image.lastIndexOf("/") ? Image.slice(0, at) : Image;
}

function sizeText({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  const own = humanSize(SizeRw, 3);
  return SizeRootFs > 0 ? `${own} (virtual ${humanSize(SizeRootFs, 3)})` : own;
}
