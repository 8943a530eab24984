import { resolve } from "node:path";
import { keyValue, splitCsv } from "@gantry/cli/csv";
import type { Mount } from "@gantry/ipc/contracts/engine-types";
import { parseBytes } from "./size.ts";

/** The mount's properties, collected while its fields are read. */
interface Draft {
  type: string;
  source?: string;
  target?: string;
  readOnly?: boolean;
  readonly bind: { Propagation?: string; NonRecursive?: boolean };
  readonly volume: {
    NoCopy?: boolean;
    Labels?: Record<string, string>;
    DriverConfig?: { Name?: string; Options?: Record<string, string> };
  };
  readonly tmpfs: { SizeBytes?: number; Mode?: number };
}

const propagations = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

/** Fields that may stand without a value, and then mean true. */
const switches = ["readonly", "ro", "volume-nocopy", "bind-nonrecursive"];

const setters: Readonly<Record<string, (draft: Draft, value: string, key: string) => void>> = {
  type: (draft, value) => {
    draft.type = value.toLowerCase();
  },
  source: (draft, value) => {
    draft.source = value;
  },
  target: (draft, value) => {
    draft.target = value;
  },
  readonly: (draft, value, key) => {
    draft.readOnly = parseSwitch(key, value);
  },
  "bind-propagation": (draft, value) => {
    if (!propagations.includes(value)) throw new Error(`invalid propagation: ${value}`);
    draft.bind.Propagation = value;
  },
  "bind-nonrecursive": (draft, value, key) => {
    draft.bind.NonRecursive = parseSwitch(key, value);
  },
  "volume-nocopy": (draft, value, key) => {
    draft.volume.NoCopy = parseSwitch(key, value);
  },
  "volume-label": (draft, value) => {
    draft.volume.Labels = { ...draft.volume.Labels, ...onePair(value) };
  },
  "volume-driver": (draft, value) => {
    draft.volume.DriverConfig = { ...draft.volume.DriverConfig, Name: value };
  },
  "volume-opt": (draft, value) => {
    const Options = { ...draft.volume.DriverConfig?.Options, ...onePair(value) };
    draft.volume.DriverConfig = { ...draft.volume.DriverConfig, Options };
  },
  "tmpfs-size": (draft, value, key) => {
    draft.tmpfs.SizeBytes = checked(key, value, () => parseBytes(value));
  },
  "tmpfs-mode": (draft, value, key) => {
    if (!/^[0-7]{1,5}$/.test(value)) throw new Error(`invalid value for ${key}: ${value}`);
    draft.tmpfs.Mode = Number.parseInt(value, 8);
  },
};

const synonyms: Readonly<Record<string, string>> = {
  src: "source",
  dst: "target",
  destination: "target",
  ro: "readonly",
};

/**
 * Reads one --mount argument: type=bind|volume|tmpfs,source=…,target=…,readonly and the options of each type.
 * @throws Error with docker's message
 */
export function parseMount(text: string, cwd: string): Mount {
  const draft: Draft = { type: "volume", bind: {}, volume: {}, tmpfs: {} };
  for (const field of splitCsv(text)) {
    const { key, value } = keyValue(field);
    const setter = setters[synonyms[key] ?? key];
    if (value === undefined && !switches.includes(key)) {
      throw new Error(`invalid field '${field}' must be a key=value pair`);
    }
    if (!setter) throw new Error(`unexpected key '${key}' in '${field}'`);
    setter(draft, value ?? "true", key);
  }
  return finish(draft, cwd);
}

function finish(draft: Draft, cwd: string): Mount {
  const { type, target } = draft;
  if (type !== "bind" && type !== "volume" && type !== "tmpfs") {
    throw new Error(`invalid mount type '${type}': must be bind, volume or tmpfs`);
  }
  if (target === undefined || target === "") throw new Error("target is required");
  for (const kind of ["bind", "volume", "tmpfs"] as const) {
    if (kind !== type && Object.keys(draft[kind]).length > 0) {
      throw new Error(`cannot mix '${kind}-*' options with mount type '${type}'`);
    }
  }
  if (type === "tmpfs" && draft.source !== undefined)
    throw new Error("source must not be given with mount type 'tmpfs'");
  const relative = type === "bind" && draft.source?.startsWith(".");
  const source = relative ? resolve(cwd, draft.source as string) : draft.source;
  return {
    Type: type,
    Target: target,
    ...(source === undefined ? {} : { Source: source }),
    ...(draft.readOnly === undefined ? {} : { ReadOnly: draft.readOnly }),
    ...(Object.keys(draft.bind).length > 0 ? { BindOptions: draft.bind } : {}),
    ...(Object.keys(draft.volume).length > 0 ? { VolumeOptions: draft.volume } : {}),
    ...(Object.keys(draft.tmpfs).length > 0 ? { TmpfsOptions: draft.tmpfs } : {}),
  };
}

function parseSwitch(key: string, value: string): boolean {
  if (value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw new Error(`invalid value for ${key}: ${value}`);
}

function onePair(text: string): Record<string, string> {
  const equals = text.indexOf("=");
  return equals < 0 ? { [text]: "" } : { [text.slice(0, equals)]: text.slice(equals + 1) };
}

function checked<T>(key: string, value: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw new Error(`invalid value for ${key}: ${value}`);
  }
}
