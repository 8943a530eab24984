import { descriptor } from "@gantry/ipc/contracts/common";
import type { Image } from "@gantry/ipc/contracts/supervisor";
import type { Database } from "./database.ts";
import { jsonColumns, now, type Row } from "./rows.ts";

type Target = Image["target"];

const json = jsonColumns("images", ["namespace", "name"]);

/** Names of images and their targets. */
export class ImageTable {
  readonly #get;
  readonly #list;
  readonly #put;
  readonly #delete;
  readonly #targets;
  readonly #gcLabels;

  constructor(db: Database) {
    this.#get = db.prepare("SELECT * FROM images WHERE namespace = ? AND name = ?");
    this.#list = db.prepare("SELECT * FROM images WHERE namespace = ? ORDER BY name");
    this.#put = db.prepare(`
      INSERT INTO images (namespace, name, target, digest, labels, created_at, updated_at)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
      ON CONFLICT DO UPDATE SET target = ?3, digest = ?4, labels = ?5, updated_at = ?6`);
    this.#delete = db.prepare("DELETE FROM images WHERE namespace = ? AND name = ?");
    this.#gcLabels = db.prepare(
      `SELECT namespace, name, labels FROM images WHERE namespace = ? AND instr(labels, '"containerd.io/gc.') > 0`,
    );
    this.#targets = db.prepare("SELECT DISTINCT digest FROM images WHERE namespace = ?");
  }

  get(namespace: string, name: string): Image | undefined {
    const row = this.#get.get(namespace, name);
    return row && toImage(row);
  }

  list(namespace: string): Image[] {
    return this.#list.all(namespace).map(toImage);
  }

  put(namespace: string, name: string, target: Target, labels: Record<string, string> = {}): void {
    this.#put.run(namespace, name, JSON.stringify(target), target.digest, JSON.stringify(labels), now());
  }

  /** @returns false when there was none */
  delete(namespace: string, name: string): boolean {
    return this.#delete.run(namespace, name).changes > 0;
  }

  /** Labels of images that gc reads. */
  gcLabels(namespace: string): Record<string, string>[] {
    return this.#gcLabels.all(namespace).map((row) => json.labels(row));
  }

  targets(namespace: string): string[] {
    return this.#targets.all(namespace).map((row) => String(row.digest));
  }
}

function toImage(row: Row): Image {
  return {
    name: String(row.name),
    target: json.read(row, "target", descriptor),
    labels: json.labels(row),
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
  };
}
