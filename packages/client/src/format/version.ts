import { jsRuntimeName } from "@gantry/common/js-runtime";
import { version } from "@gantry/common/version";
import { isObject, type PlainObject } from "./template/values.ts";
import { ansiDate } from "./time.ts";

/** The client's part of `client version`. */
export function clientVersion(): PlainObject {
  const architecture = { x64: "amd64" }[process.arch as string] ?? process.arch;
  return { Version: version, Os: process.platform, Arch: architecture, JsRuntime: jsRuntimeName };
}

/** docker version's layout. */
export function versionText({ Client, Server }: { Client: PlainObject; Server: PlainObject | null }): string {
  const client = section("Client:", " ", fields(Client));
  if (!Server) return `${client}\n`;
  const components = Array.isArray(Server["Components"]) ? Server["Components"].filter(isObject) : [];
  const engine = components.find((component) => component["Name"] === "Engine");
  const own = section(" Engine:", "  ", fields({ ...Server, ...(engine ? (engine["Details"] as PlainObject) : {}) }));
  const others = components
    .filter((component) => component !== engine)
    .map((component) => {
      const details = isObject(component["Details"]) ? Object.entries(component["Details"]) : [];
      const rows = [["Version", component["Version"]], ...details] as [string, unknown][];
      return section(
        ` ${component["Name"]}:`,
        "  ",
        rows.map(([name, value]) => [`${name}:`, String(value)]),
      );
    });
  return `${client}\n\nServer:\n${[own, ...others].join("\n")}\n`;
}

function fields(document: PlainObject): (readonly [string, string])[] {
  const text = (name: string): string | undefined => {
    const value = document[name];
    return value === undefined || value === null || value === "" ? undefined : String(value);
  };
  const least = text("MinAPIVersion");
  const api = text("ApiVersion");
  const rows: [string, string | undefined][] = [
    ["Version:", text("Version")],
    ["API version:", api && least ? `${api} (minimum version ${least})` : api],
    ["JS runtime:", text("JsRuntime")],
    ["Git commit:", text("GitCommit")],
    ["Built:", ansiDate(text("BuildTime") ?? "") || undefined],
    ["OS/Arch:", document["Os"] ? `${document["Os"]}/${document["Arch"]}` : undefined],
    ["Kernel version:", text("KernelVersion")],
  ];
  return rows.flatMap(([label, value]) => (value === undefined ? [] : [[label, value] as const]));
}

function section(title: string, indent: string, rows: readonly (readonly [string, string])[]): string {
  const width = 19 - indent.length;
  return [title, ...rows.map(([label, value]) => `${indent}${label.padEnd(width - 1)} ${value}`)].join("\n");
}
