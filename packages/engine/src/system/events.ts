import { parseUnixTime } from "@gantry/common/timestamp";
import type { EngineEvent, Filters } from "@gantry/ipc/contracts/engine-types";
import { checkFilters, matchesLabels } from "../base/filters.ts";
import type { EventHub } from "./event-hub.ts";

export interface EventsRequest {
  /** Unix seconds with a fraction. */
  readonly Since?: string | undefined;
  readonly Until?: string | undefined;
  readonly Filters?: Filters | undefined;
}

/** Sends events: kept ones from Since on, then live ones, up to Until. */
export async function sendEvents(
  hub: EventHub,
  request: EventsRequest,
  send: (event: EngineEvent) => Promise<void>,
  callerGone: AbortSignal,
): Promise<void> {
  const matches = eventFilter(request.Filters ?? {});
  const since = request.Since === undefined ? undefined : parseUnixTime(request.Since);
  const until = request.Until === undefined ? undefined : parseUnixTime(request.Until);
  const end = new AbortController();
  callerGone.addEventListener("abort", () => end.abort(), { once: true });
  const from = since === undefined && until === undefined ? hub.log.last + 1 : hub.log.oldest;
  let sent = from - 1;
  let over = false;
  // A slow reader still gets the events from before the end.
  const endWhenRead = () => {
    over = true;
    if (sent >= hub.log.last) end.abort();
  };
  const timer = until === undefined ? undefined : callAt(Number(until / 1_000_000n), endWhenRead);
  try {
    for await (const event of hub.log.subscribe(from, end.signal)) {
      const time = BigInt(event.timeNano);
      if (until !== undefined && time > until) return;
      if ((since === undefined || time >= since) && matches(event)) await send(event);
      sent = event.sequence;
      if (over && sent >= hub.log.last) return;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** The longest delay of a timer. */
const LONGEST_MS = 2 ** 31 - 1;

function callAt(timeMs: number, callback: () => void): NodeJS.Timeout {
  return setTimeout(callback, Math.min(Math.max(0, timeMs - Date.now()), LONGEST_MS));
}

const known = ["container", "daemon", "event", "image", "label", "network", "scope", "type", "volume"];

/** The test of `events --filter`. @throws RpcError InvalidArgument for an unknown key */
export function eventFilter(filters: Filters): (event: EngineEvent) => boolean {
  checkFilters(filters, known);
  const entries = Object.entries(filters).filter(([, values]) => values.length > 0);
  return (event) => entries.every(([key, values]) => matchesKey(event, key, values));
}

function matchesKey(event: EngineEvent, key: string, values: readonly string[]): boolean {
  const { ID, Attributes } = event.Actor;
  switch (key) {
    case "type":
      return values.includes(event.Type);
    case "scope":
      return values.includes(event.scope);
    case "event":
      // "exec_start: ls" is found by "exec_start".
      return values.some((value) => event.Action === value || event.Action.startsWith(`${value}:`));
    case "label":
      return matchesLabels(Attributes, values);
    case "image":
      return values.some((value) => isImage(event, value));
    default:
      if (event.Type !== key) return false;
      return values.some(
        (value) => ID === value || Attributes["name"] === value || (value !== "" && ID.startsWith(value)),
      );
  }
}

function isImage({ Type, Actor }: EngineEvent, value: string): boolean {
  const names = Type === "image" ? [Actor.ID, Actor.Attributes["name"]] : [Actor.Attributes["image"]];
  return names.some((name) => name !== undefined && (name === value || name.replace(/:[^:/]+$/, "") === value));
}
