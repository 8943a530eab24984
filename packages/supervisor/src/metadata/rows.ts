import { messageOf } from "@gantry/common/error-message";
import { describeIssue } from "@gantry/common/schema-issue";
import * as v from "valibot";
import { internal } from "../errors.ts";

export type Row = Readonly<Record<string, unknown>>;
export type Labels = Record<string, string>;

/** The present time as the contracts have it: RFC 3339, UTC. */
export function now(): string {
  return new Date().toISOString();
}

/** Reads the JSON columns of a table, whose format `migrations` versions. */
export interface JsonColumns {
  /** @throws RpcError Internal naming the row, the column and the field that does not match the schema */
  read<T>(row: Row, column: string, schema: v.GenericSchema<unknown, T>): T;
  /** The column `labels`. @throws RpcError Internal */
  labels(row: Row): Labels;
}

/** @param keys columns that name a row in an error */
export function jsonColumns(table: string, keys: readonly string[]): JsonColumns {
  const fail = (row: Row, column: string, reason: string) => {
    const key = keys.map((name) => String(row[name])).join(" ");
    return internal(`the metadata cannot be read: table ${table}, row ${key}, column ${column}: ${reason}`);
  };
  const parse = (row: Row, column: string): unknown => {
    try {
      return JSON.parse(String(row[column]));
    } catch (error) {
      throw fail(row, column, messageOf(error));
    }
  };
  return {
    read(row, column, schema) {
      const { success, output, issues } = v.safeParse(schema, parse(row, column));
      if (success) return output;
      throw fail(row, column, describeIssue(issues[0]));
    },
    labels(row) {
      // Most rows have none, and lists have many rows.
      if (row.labels === "{}") return {};
      const labels = parse(row, "labels");
      if (isLabels(labels)) return labels;
      throw fail(row, "labels", "every label must be a string");
    },
  };
}

function isLabels(value: unknown): value is Labels {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((label) => typeof label === "string");
}
