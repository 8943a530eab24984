import { test } from "tap";
import { Container } from "../src/containers/container.ts";
import type { ContainerDocument } from "../src/containers/document.ts";
import { Registry } from "../src/containers/registry.ts";

/** A registry whose documents cannot be stored while `full`; only the fields that it looks at. */
function registryOnFullDisk() {
  const disk = { full: false, stored: new Map<string, ContainerDocument>() };
  const registry = new Registry({
    load: () => ({ documents: [], unreadable: [] }),
    put: (id, document) => {
      if (disk.full) throw new Error("database or disk is full");
      disk.stored.set(id, structuredClone(document));
    },
    delete: (id) => void disk.stored.delete(id),
  });
  const container = new Container({ id: "a".repeat(64), name: "old" } as ContainerDocument);
  registry.reserveName("old", container.id);
  registry.add(container);
  return { disk, registry, container };
}

test("a change that cannot be stored is not made", async (t) => {
  const { disk, registry, container } = registryOnFullDisk();
  disk.full = true;
  t.throws(() => registry.update(container, { removal: { volumes: true } }), /disk is full/);
  t.equal(container.document.removal, undefined);
  t.throws(() => registry.rename(container, "new"), /disk is full/);
  t.equal(registry.byName("old"), container);
  t.equal(registry.byName("new"), undefined);
  disk.full = false;
  registry.rename(container, "new");
  t.equal(registry.byName("old"), undefined);
  t.equal(disk.stored.get(container.id)?.name, "new");
});

test("a change is taken back after a failure, also where that cannot be stored", async (t) => {
  const { disk, registry, container } = registryOnFullDisk();
  registry.update(container, { removal: { volumes: true } });
  disk.full = true;
  registry.revert(container, { removal: undefined });
  t.equal(container.document.removal, undefined);
});
