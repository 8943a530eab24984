import { defined } from "@gantry/cli";
import { Clock } from "@gantry/common/clock";
import { formatUnixTime } from "@gantry/common/timestamp";
import type { EngineEvent } from "@gantry/ipc/contracts/engine-types";
import { defineCommand } from "../../command.ts";
import { compileTemplate } from "../../format/template/index.ts";
import { markMap } from "../../format/template/values.ts";
import { rfc3339Nano } from "../../format/time.ts";
import { parseFilters } from "../../parse/filters.ts";
import { parseMoment } from "../../parse/time.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  summary: "Get real time events from the engine",
  flags: {
    filter: { type: "list", short: "f", value: "KEY=VALUE", doc: "Filter output based on conditions provided" },
    format: { type: "string", value: "FORMAT", doc: "Format output: json or a Go template" },
    since: { type: "string", value: "TIME", doc: "Show all events created since timestamp" },
    until: { type: "string", value: "TIME", doc: "Stream events until this timestamp" },
  },
  args: [0, 0],
  examples: ["--filter type=container", "--since 10m --until 0s"],
  async run(context, { values }) {
    const nowNs = new Clock().nowNs();
    const moment = (text: string | undefined): string | undefined =>
      text === undefined ? undefined : formatUnixTime(parseMoment(text, nowNs));
    const render = renderer(values.format);
    const request = { Since: moment(values.since), Until: moment(values.until), Filters: parseFilters(values.filter) };
    const engine = await context.engine();
    const stream = engine.open("events", defined(request));
    for await (const { value } of stream.items) await context.out.write(1, `${render(value)}\n`);
    await stream.result;
    return 0;
  },
});

function renderer(format: string | undefined): (event: EngineEvent) => string {
  if (format === undefined || format === "") return eventLine;
  if (format === "json") return (event) => eventJson(event);
  const template = compileTemplate(format, { exitCode: 64 });
  return (event) => template.render(templateView(event));
}

/** "2006-01-02T15:04:05.000000000Z container start ID (image=busybox, name=web)" */
function eventLine({ Type, Action, Actor, timeNano }: EngineEvent): string {
  const attributes = Object.keys(Actor.Attributes)
    .sort()
    .map((name) => `${name}=${Actor.Attributes[name]}`)
    .join(", ");
  return `${rfc3339Nano(timeNano)} ${Type} ${Action} ${Actor.ID}${attributes === "" ? "" : ` (${attributes})`}`;
}

/** The Engine API's event; its nanoseconds are a number there, with more digits than JSON.stringify could keep. */
function eventJson(event: EngineEvent): string {
  const { timeNano, sequence: _, ...rest } = event;
  const old = { status: event.Action, id: event.Actor.ID, from: event.Actor.Attributes["image"] };
  const head = event.Type === "container" ? old : {};
  return `${JSON.stringify({ ...head, ...rest }).slice(0, -1)},"timeNano":${timeNano}}`;
}

function templateView({ Type, Action, Actor, scope, time, timeNano }: EngineEvent): Record<string, unknown> {
  return {
    Status: Action,
    ID: Actor.ID,
    From: Actor.Attributes["image"] ?? "",
    Type,
    Action,
    Actor: { ID: Actor.ID, Attributes: markMap({ ...Actor.Attributes }) },
    Scope: scope,
    Time: time,
    TimeNano: BigInt(timeNano),
  };
}
