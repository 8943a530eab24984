import type { NativeSys } from "@gantry/native-sys";
import type { FileLog } from "../log/file-log.ts";
import type { Inherited } from "../process/inherited.ts";
import type { Kept } from "../process/kept.ts";
import { Spool } from "./spool.ts";

/** Descriptors that the keeper holds for a process. */
const keptNames = [
  ...(["stdin", "stdout", "stderr", "terminal", "progress"] as const),
  ...(["stdout.spool", "stderr.spool", "relay.read", "relay.write"] as const),
] as const;
type KeptName = (typeof keptNames)[number];
type Descriptors = Readonly<Partial<Record<KeptName, number>>>;

/** Memory files through which the output of a process reaches its log. */
export interface Spools {
  readonly stdout?: Spool | undefined;
  readonly stderr?: Spool | undefined;
}

export interface KeptStreamsOptions {
  readonly sys: NativeSys;
  readonly kept: Kept;
  /** The process's name in the keeper; those of its descriptors begin with it. */
  readonly name: string;
  readonly log: FileLog | undefined;
}

/** Copies of a process's streams in the keeper: the process keeps them, and its log what was read, if this shim dies. */
export class KeptStreams {
  readonly #options: KeptStreamsOptions;

  constructor(options: KeptStreamsOptions) {
    this.#options = options;
  }

  /** Spools for a log; none without one. */
  makeSpools(isTerminal: boolean): Spools {
    const { sys, log } = this.#options;
    if (!log) return {};
    const stdout = Spool.create(sys, isTerminal);
    return isTerminal ? { stdout } : { stdout, stderr: Spool.create(sys, false) };
  }

  /** The spools of an earlier shim, from where its log ends. */
  inheritedSpools(inherited: Inherited): Spools {
    return { stdout: this.#inheritedSpool("stdout", inherited), stderr: this.#inheritedSpool("stderr", inherited) };
  }

  /** Gives the keeper copies of streams, and of the state from which the next shim continues the log. */
  async put(streams: Descriptors, spools: Spools): Promise<void> {
    const { kept } = this.#options;
    const all = Object.entries({ ...streams, ...this.#forLog(spools) });
    await kept.client.put(Object.fromEntries(all.map(([name, fd]) => [this.#nameOf(name as KeptName), fd])));
  }

  drop(name: KeptName): void {
    this.#options.kept.drop(this.#nameOf(name)).catch(() => undefined); // the keeper has ended
  }

  async dropAll(): Promise<void> {
    await this.#options.kept.drop(...keptNames.map((name) => this.#nameOf(name)));
  }

  #forLog({ stdout, stderr }: Spools): Descriptors {
    const progress = this.#options.log?.progressFd;
    return {
      ...(progress === undefined ? {} : { progress }),
      ...(stdout ? { "stdout.spool": stdout.fd } : {}),
      ...(stderr ? { "stderr.spool": stderr.fd } : {}),
      ...(stdout?.relay ? { "relay.read": stdout.relay.read, "relay.write": stdout.relay.write } : {}),
    };
  }

  #inheritedSpool(stream: "stdout" | "stderr", inherited: Inherited): Spool | undefined {
    const { sys, log } = this.#options;
    const fd = inherited.get(`${stream}.spool`);
    if (fd === undefined || !log) return undefined;
    const [read, write] = [inherited.get("relay.read"), inherited.get("relay.write")];
    const relay = read === undefined || write === undefined ? undefined : { read, write };
    return new Spool(sys, fd, stream === "stdout" ? relay : undefined, log.written[stream]);
  }

  #nameOf(name: KeptName): string {
    return `${this.#options.name}.${name}`;
  }
}
