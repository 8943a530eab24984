import type { Figure } from "./measure.ts";

/** One line of the result. A row that cannot be measured here says why instead. */
export interface Row {
  readonly name: string;
  readonly unit: "ms" | "MB";
  readonly ours?: Figure;
  /** Name of the peer, such as "docker". */
  readonly peerName: string;
  readonly peer?: Figure;
  readonly note?: string;
}

export const header = line("name", "ours", "peer", "ratio", "");

/** name  ours  peer  ratio: medians, with the least and the greatest in brackets. */
export function formatRow(row: Row): string {
  const ratio = row.ours && row.peer ? (row.ours.median / row.peer.median).toFixed(2) : "-";
  const peer = row.peer ? shown(row.peer, row.unit) : "-";
  return line(row.name, row.ours ? shown(row.ours, row.unit) : "-", `${peer} ${row.peerName}`, ratio, row.note ?? "");
}

function shown(value: Figure, unit: string): string {
  return `${digits(value.median)} ${unit} (${digits(value.min)}–${digits(value.max)})`;
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

function line(...[name, ours, peer, ratio, note]: [string, string, string, string, string]): string {
  return `${name.padEnd(26)}  ${ours.padEnd(24)}  ${peer.padEnd(34)}  ${ratio.padEnd(5)}  ${note}`.trimEnd();
}
