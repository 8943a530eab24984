import { defined } from "@gantry/cli";
import { anyNumber, defineCommand } from "../../command.ts";
import { parseDuration } from "../../parse/duration.ts";
import { parseLabels } from "../../parse/labels.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [KEY=VALUE...]",
  summary: "Create a lease, which protects its resources from removal, and print its id",
  flags: {
    id: { type: "string", value: "ID", doc: "Id of the lease; made up unless given" },
    expires: {
      type: "string",
      short: "x",
      value: "DURATION",
      default: "24h",
      doc: "Time after which it ends; 0: never",
    },
  },
  args: [0, anyNumber],
  examples: ["", "--id build -x 1h owner=jane"],
  async run({ namespace, out, supervisor: connect }, { values, args }) {
    const expiresMs = parseDuration(values.expires, "--expires");
    const expiry = expiresMs > 0 ? { "containerd.io/gc.expire": new Date(Date.now() + expiresMs).toISOString() } : {};
    const labels = { ...parseLabels(args), ...expiry };
    const supervisor = await connect();
    const { id } = await supervisor.call("leases.create", defined({ namespace, id: values.id, labels }));
    out.print(id);
    return 0;
  },
});
