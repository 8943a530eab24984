import { formatBytes } from "./bytes.ts";

/** One step of a pull, push or import. */
export interface TransferStep {
  readonly id?: string | undefined;
  readonly ref?: string | undefined;
  readonly status: string;
  readonly current?: number | undefined;
  readonly total?: number | undefined;
}

interface Row {
  readonly name: string;
  readonly status: string;
  readonly current: number;
  readonly total: number;
}

const barWidth = 38;
const statusWidth = 14;
const shortDigest = 12;

/** ctr's names for Docker's statuses. */
const statuses: Readonly<Record<string, string>> = {
  "Pulling fs layer": "waiting",
  Preparing: "waiting",
  Waiting: "waiting",
  Downloading: "downloading",
  Pushing: "uploading",
  "Download complete": "done",
  Extracting: "extracting",
  "Pull complete": "done",
  Pushed: "done",
  "Already exists": "exists",
  "Layer already exists": "exists",
};
const finished = new Set(["done", "exists", "resolved"]);

/** A transfer as ctr shows it: a line for each document and layer, and the sum. */
export class TransferView {
  readonly #rows = new Map<string, Row>();
  /** Bytes transferred, by row: a layer's later steps count other bytes. */
  readonly #moved = new Map<string, number>();

  add(step: TransferStep): void {
    const name = step.ref ?? this.#rowOf(step.id);
    if (name === undefined) return;
    const status = statuses[step.status] ?? step.status.toLowerCase();
    const { current = 0, total = 0 } = step;
    this.#rows.set(name, { name, status, current, total });
    if (status === "downloading" || status === "uploading") this.#moved.set(name, current);
  }

  /** A layer's later steps have only its short digest. */
  #rowOf(id: string | undefined): string | undefined {
    if (id === undefined) return undefined;
    return [...this.#rows.keys()].find((name) => name.startsWith("layer-") && name.includes(`:${id}`)) ?? id;
  }

  /** Lines without their ends, none wider than so many columns. */
  lines(columns: number, elapsedSeconds: number): string[] {
    const rows = [...this.#rows.values()];
    const wideName = Math.max(0, ...rows.map(({ name }) => name.length));
    const isNarrow = wideName + statusWidth + barWidth + 6 > columns;
    const names = rows.map(({ name }) => `${isNarrow ? shortened(name) : name}:`);
    const width = Math.max(0, ...names.map((name) => name.length));
    const moved = [...this.#moved.values()].reduce((sum, bytes) => sum + bytes, 0);
    const rate = formatBytes(elapsedSeconds > 0 ? moved / elapsedSeconds : 0);
    const drawn = rows.map((row, at) => drawRow(names[at]?.padEnd(width) ?? "", row, columns));
    return [...drawn, `elapsed: ${elapsedSeconds.toFixed(1)} s  total: ${formatBytes(moved)} (${rate}/s)`];
  }
}

function drawRow(name: string, row: Row, columns: number): string {
  const start = `${name} ${row.status.padEnd(statusWidth)}`;
  const room = Math.min(barWidth, columns - start.length - 24);
  const figures =
    finished.has(row.status) || row.total <= 0 ? "" : ` ${formatBytes(row.current)}/${formatBytes(row.total)}`;
  if (room < 8) return `${start}${figures}`.slice(0, columns);
  return `${start} |${bar(row, room)}|${figures}`;
}

function bar({ status, current, total }: Row, width: number): string {
  const share = finished.has(status) ? 1 : total > 0 ? Math.min(1, current / total) : 0;
  const filled = Math.floor(share * width);
  return `\x1b[32m${"+".repeat(filled)}${"-".repeat(width - filled)}\x1b[0m`;
}

function shortened(name: string): string {
  return name.replace(/(sha(?:256|512):)([0-9a-f]+)/, (_, algorithm, hex) => algorithm + hex.slice(0, shortDigest));
}
