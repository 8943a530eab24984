/**
 * Flags as container tools accept them: `--name value`, `--name=value`, `-n value`, `-nvalue`,
 * joined short switches (`-it`), `--switch=false`, and `--` as the end of flags.
 */

interface FlagBase {
  /** One letter, used with a single dash. */
  readonly short?: string;
  /** Description for the help text, one line. */
  readonly doc: string;
  /** Left out of the help text. */
  readonly hidden?: boolean;
  /** Other long names for the same flag; not in the help text. */
  readonly aliases?: readonly string[];
}

export interface BooleanFlag extends FlagBase {
  readonly type: "boolean";
  readonly default?: boolean;
}
export interface StringFlag extends FlagBase {
  readonly type: "string";
  /** Placeholder for the value in the help text, such as DIR. */
  readonly value: string;
  readonly default?: string;
  /** The only values allowed. */
  readonly choices?: readonly string[];
}
export interface IntegerFlag extends FlagBase {
  readonly type: "integer";
  readonly value: string;
  readonly default?: number;
}
/** May be given several times. */
export interface ListFlag extends FlagBase {
  readonly type: "list";
  readonly value: string;
}

export type Flag = BooleanFlag | StringFlag | IntegerFlag | ListFlag;
/** Flags by their long name. */
export type FlagTable = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F extends BooleanFlag
  ? boolean
  : F extends ListFlag
    ? string[]
    : F extends IntegerFlag
      ? F extends { default: number }
        ? number
        : number | undefined
      : F extends { default: string }
        ? string
        : string | undefined;

export type FlagValues<T extends FlagTable> = { [K in keyof T]: ValueOf<T[K]> };

export interface Parsed<T extends FlagTable> {
  readonly values: FlagValues<T>;
  /** Names of the given flags, to distinguish a default from the same value given explicitly. */
  readonly given: ReadonlySet<string>;
  /** Positional arguments. */
  readonly args: string[];
}

/** The command line is wrong; the message is shown to the user. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** A flag that is not in the table. */
export class UnknownFlag extends UsageError {
  /** Without its dashes and value. */
  readonly flag: string;

  constructor(flag: string, shown: string) {
    super(`unknown flag: ${shown}`);
    this.flag = flag;
  }
}

export interface ParseOptions {
  /** The first positional argument ends the flags, and the rest is passed on unchanged (docker run IMAGE CMD…). */
  readonly stopAtPositional?: boolean;
  /** Long flags may also have a single dash (-proto tcp), as in Go's flag package; then shorts are not joined. */
  readonly singleDash?: boolean;
}

/**
 * Parses a command line against a table of flags.
 * @throws UsageError naming the flag that is unknown, lacks its value, or has a wrong one
 */
export function parseFlags<const T extends FlagTable>(
  argv: readonly string[],
  table: T,
  options: ParseOptions = {},
): Parsed<T> {
  const parser = new Parser(table, options);
  return parser.run(argv) as Parsed<T>;
}

class Parser {
  readonly #table: FlagTable;
  readonly #options: ParseOptions;
  readonly #shorts = new Map<string, string>();
  readonly #aliases = new Map<string, string>();
  readonly #values: Record<string, unknown> = {};
  readonly #given = new Set<string>();
  readonly #args: string[] = [];
  #rest: string[] = [];

  constructor(table: FlagTable, options: ParseOptions) {
    this.#table = table;
    this.#options = options;
    for (const [name, flag] of Object.entries(table)) {
      if (flag.short) this.#shorts.set(flag.short, name);
      for (const alias of flag.aliases ?? []) this.#aliases.set(alias, name);
      this.#values[name] = initialValue(flag);
    }
  }

  run(argv: readonly string[]): Parsed<FlagTable> {
    this.#rest = [...argv];
    for (let arg = this.#rest.shift(); arg !== undefined; arg = this.#rest.shift()) {
      if (arg === "--") {
        this.#args.push(...this.#rest);
        break;
      }
      if (arg.length > 1 && arg.startsWith("-")) {
        this.#flag(arg);
        continue;
      }
      this.#args.push(arg);
      if (this.#options.stopAtPositional) {
        this.#args.push(...this.#rest);
        break;
      }
    }
    return { values: this.#values as FlagValues<FlagTable>, given: this.#given, args: this.#args };
  }

  #flag(arg: string): void {
    if (arg.startsWith("--")) {
      this.#long(arg, arg.slice(2));
      return;
    }
    if (this.#options.singleDash) {
      const name = arg.slice(1).split("=", 1)[0] ?? "";
      if (name in this.#table || !this.#shorts.has(name)) {
        this.#long(arg, arg.slice(1));
        return;
      }
    }
    this.#shortGroup(arg);
  }

  #long(arg: string, body: string): void {
    const equals = body.indexOf("=");
    const name = equals < 0 ? body : body.slice(0, equals);
    const shown = equals < 0 ? arg : arg.slice(0, arg.indexOf("="));
    this.#set(name, shown, equals < 0 ? undefined : body.slice(equals + 1));
  }

  #shortGroup(arg: string): void {
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at] as string;
      const name = this.#shorts.get(letter);
      if (name === undefined) throw new UsageError(`unknown shorthand flag: '${letter}' in ${arg}`);
      const after = arg.slice(at + 1);
      if (this.#table[name]?.type !== "boolean") {
        const value = after.startsWith("=") ? after.slice(1) : after;
        this.#set(name, `-${letter}`, after === "" ? undefined : value);
        return;
      }
      if (after.startsWith("=")) {
        this.#set(name, `-${letter}`, after.slice(1));
        return;
      }
      this.#set(name, `-${letter}`, undefined);
    }
  }

  #set(given: string, shown: string, inline: string | undefined): void {
    const name = this.#aliases.get(given) ?? given;
    const flag = Object.hasOwn(this.#table, name) ? this.#table[name] : undefined;
    if (!flag) throw new UnknownFlag(given, shown);
    this.#given.add(name);
    if (flag.type === "boolean") {
      this.#values[name] = inline === undefined ? true : booleanValue(shown, inline);
      return;
    }
    const text = inline ?? this.#rest.shift();
    if (text === undefined) throw new UsageError(`flag needs an argument: ${shown}`);
    if (flag.type === "list") (this.#values[name] as string[]).push(text);
    else this.#values[name] = flag.type === "integer" ? integerValue(shown, text) : stringValue(shown, text, flag);
  }
}

function initialValue(flag: Flag): unknown {
  if (flag.type === "boolean") return flag.default ?? false;
  return flag.type === "list" ? [] : flag.default;
}

function booleanValue(shown: string, text: string): boolean {
  if (["true", "1", "t", "T", "TRUE", "True"].includes(text)) return true;
  if (["false", "0", "f", "F", "FALSE", "False"].includes(text)) return false;
  throw new UsageError(`invalid value "${text}" for ${shown}: must be true or false`);
}

function integerValue(shown: string, text: string): number {
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new UsageError(`invalid value "${text}" for ${shown}: must be a whole number`);
  }
  return value;
}

function stringValue(shown: string, text: string, flag: StringFlag): string {
  if (flag.choices && !flag.choices.includes(text)) {
    throw new UsageError(`invalid value "${text}" for ${shown}: must be one of ${flag.choices.join(", ")}`);
  }
  return text;
}
