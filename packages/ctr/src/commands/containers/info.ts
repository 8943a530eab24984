import { defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  summary: "Get info about a container, as JSON",
  flags: { spec: { type: "boolean", doc: "Only the spec" } },
  args: [1, 1],
  missing: "container id must be provided",
  examples: ["redis", "--spec redis"],
  async run({ namespace, out, supervisor: connect }, { values, args: [id = ""] }) {
    const supervisor = await connect();
    const container = await supervisor.call("containers.get", { namespace, id });
    const { spec, runtime } = container;
    const info = {
      ID: id,
      Labels: container.labels,
      Image: container.image,
      Runtime: { Name: "io.containerd.runc.v2", Options: { binary_name: runtime.path, root: runtime.root } },
      SnapshotKey: container.snapshotKey,
      Snapshotter: container.snapshotter ?? "",
      CreatedAt: container.createdAt,
      UpdatedAt: container.updatedAt,
      Extensions: null,
      Spec: spec,
    };
    out.print(JSON.stringify(values.spec ? spec : info, null, 4));
    return 0;
  },
});
