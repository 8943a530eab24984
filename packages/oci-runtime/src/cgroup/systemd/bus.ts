import { existsSync } from "node:fs";
import type { Message as BusMessage, MessageBus } from "@jellybrick/dbus-next";
import type { Property } from "./properties.ts";

const systemd = { destination: "org.freedesktop.systemd1", path: "/org/freedesktop/systemd1" } as const;
const managerInterface = "org.freedesktop.systemd1.Manager";

/** How long systemd may take over one unit. */
const limitMs = 30_000;

/** systemd's manager of units, over D-Bus. */
export interface Systemd {
  /** As 252. */
  readonly version: number;
  /** The cgroup below which its slices are: "" for the machine's own. */
  readonly root: string;
  /** Starts a scope around processes; returns once it is there. @throws Error */
  startScope(unit: string, properties: readonly Property[]): Promise<void>;
  setProperties(unit: string, properties: readonly Property[]): Promise<void>;
  /** Stops a unit and resets its failed state. Its absence is no failure. */
  stopUnit(unit: string): Promise<void>;
  close(): void;
}

/**
 * Connects to the machine's systemd, or to that of the user's session.
 * @throws Error naming the missing part
 */
export async function connectSystemd(user: boolean): Promise<Systemd> {
  const path = user ? sessionSocket() : "/run/dbus/system_bus_socket";
  if (!user && !existsSync("/run/systemd/system"))
    throw new Error("--systemd-cgroup: systemd does not run here: without the option cgroups are made directly");
  if (!path || !existsSync(path))
    throw new Error(
      `--systemd-cgroup: there is no D-Bus socket at ${path ?? "$XDG_RUNTIME_DIR/bus"}: systemd cannot be reached`,
    );
  // Most containers are made without it: it is loaded where it is used.
  const library = await import("@jellybrick/dbus-next");
  const bus = library.sessionBus({ busAddress: `unix:path=${path}` });
  const client = new Client(bus, library);
  try {
    return await client.connect();
  } catch (error) {
    bus.disconnect();
    throw new Error(`--systemd-cgroup: systemd does not answer over ${path}: ${(error as Error).message}`);
  }
}

function sessionSocket(): string | undefined {
  const address = /^unix:path=([^,;]+)/.exec(process.env["DBUS_SESSION_BUS_ADDRESS"] ?? "")?.[1];
  const runtime = process.env["XDG_RUNTIME_DIR"];
  return address ?? (runtime && `${runtime}/bus`);
}

type Library = typeof import("@jellybrick/dbus-next");

class Client {
  readonly #bus: MessageBus;
  readonly #library: Library;
  /** Callers that wait for a job's end, by the job's path; results that arrive before a caller waits are kept. */
  readonly #ended = new Map<string, string>();
  readonly #waiting = new Map<string, (result: string) => void>();

  constructor(bus: MessageBus, library: Library) {
    this.#bus = bus;
    this.#library = library;
    bus.on("message", (message: BusMessage) => {
      if (message.member !== "JobRemoved") return;
      const [, job, , result] = message.body as [number, string, string, string];
      this.#ended.set(job, result);
      this.#waiting.get(job)?.(result);
    });
  }

  async connect(): Promise<Systemd> {
    const version = await withLimit("connecting", this.#property("Version"));
    const root = await this.#property("ControlGroup");
    const rule = `type='signal',interface='${managerInterface}',member='JobRemoved'`;
    await this.#call({ ...dbus, member: "AddMatch", signature: "s", body: [rule] });
    await this.#manager("Subscribe", "", []);
    return {
      version: Number(/\d+/.exec(version)?.[0] ?? 0),
      root: root.replace(/\/init\.scope$/, ""),
      startScope: (unit, properties) => this.#startScope(unit, properties),
      setProperties: async (unit, properties) => {
        await this.#manager("SetUnitProperties", "sba(sv)", [unit, true, this.#variants(properties)]);
      },
      stopUnit: (unit) => this.#stopUnit(unit),
      close: () => this.#bus.disconnect(),
    };
  }

  async #startScope(unit: string, properties: readonly Property[]): Promise<void> {
    const start = () =>
      this.#manager("StartTransientUnit", "ssa(sv)a(sa(sv))", [unit, "fail", this.#variants(properties), []]);
    let job: string;
    try {
      job = await start();
    } catch (error) {
      if (errorType(error) !== "org.freedesktop.systemd1.UnitExists") throw error;
      // A failed unit of the same name stays until it is reset.
      await this.#reset(unit);
      job = await start();
    }
    const result = await this.#jobEnd(unit, job);
    if (result !== "done") throw new Error(`systemd could not start ${unit}: the job ended with "${result}"`);
  }

  async #stopUnit(unit: string): Promise<void> {
    try {
      await this.#jobEnd(unit, await this.#manager("StopUnit", "ss", [unit, "replace"]));
    } catch (error) {
      if (errorType(error) !== "org.freedesktop.systemd1.NoSuchUnit") throw error;
    }
    await this.#reset(unit);
  }

  async #reset(unit: string): Promise<void> {
    try {
      await this.#manager("ResetFailedUnit", "s", [unit]);
    } catch {
      // It is not loaded any more: nothing is kept of it.
    }
  }

  #jobEnd(unit: string, job: string): Promise<string> {
    const ended = this.#ended.get(job);
    const end =
      ended !== undefined ? Promise.resolve(ended) : new Promise<string>((resolve) => this.#waiting.set(job, resolve));
    return withLimit(`the job for ${unit}`, end);
  }

  async #property(name: string): Promise<string> {
    const message = { ...systemd, interface: "org.freedesktop.DBus.Properties", member: "Get" };
    const value = await this.#call({ ...message, signature: "ss", body: [managerInterface, name] });
    return value instanceof this.#library.Variant ? String(value.value) : "";
  }

  /** The first value of the reply; "" where there is none. */
  async #manager(member: string, signature: string, body: unknown[]): Promise<string> {
    return String((await this.#call({ ...systemd, interface: managerInterface, member, signature, body })) ?? "");
  }

  async #call(message: ConstructorParameters<Library["Message"]>[0]): Promise<unknown> {
    const reply = await withLimit(String(message.member), this.#bus.call(new this.#library.Message(message)));
    return (reply?.body as unknown[] | undefined)?.[0];
  }

  #variants(properties: readonly Property[]): [string, unknown][] {
    return properties.map(([name, signature, value]) => [name, new this.#library.Variant(signature, value)]);
  }
}

const dbus = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
} as const;

function errorType(error: unknown): string {
  const { type } = error as { type?: unknown };
  return typeof type === "string" ? type : "";
}

async function withLimit<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`systemd took longer than ${limitMs / 1000} s: ${what}`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
