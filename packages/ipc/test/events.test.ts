import { test } from "tap";
import { EventLog } from "../src/index.ts";
import { failure } from "./suite.ts";

interface Event {
  readonly sequence: number;
  readonly name: string;
}

async function take(events: AsyncIterator<Event, void>, count: number): Promise<number[]> {
  const seen: number[] = [];
  while (seen.length < count) {
    const { value } = await events.next();
    if (value === undefined) break;
    seen.push(value.sequence);
  }
  return seen;
}

test("events are numbered, replayed from a number on, then followed as they come", async (t) => {
  const log = new EventLog<Event>(10);
  t.same(log.append({ name: "a" }), { sequence: 1, name: "a" });
  log.append({ name: "b" });
  const all = log.subscribe(0);
  const fromTwo = log.subscribe(2);
  const news = log.subscribe(undefined);
  t.same(await take(all, 2), [1, 2]);
  t.same(await take(fromTwo, 1), [2]);
  const waiting = [take(all, 2), take(fromTwo, 2), take(news, 2)];
  log.append({ name: "c" });
  log.append({ name: "d" });
  for (const seen of waiting) t.same(await seen, [3, 4]);
});

test("a reader at its own pace misses no kept event, and gets an error for events that are no longer kept", async (t) => {
  const log = new EventLog<Event>(3);
  const slow = log.subscribe(0);
  const slower = log.subscribe(0);
  for (let i = 0; i < 3; i++) log.append({ name: "x" });
  t.same(await take(slow, 2), [1, 2]);
  t.same(await take(slower, 1), [1]);
  log.append({ name: "x" });
  log.append({ name: "x" });
  t.same([log.oldest, log.last], [3, 5]);
  t.same(await take(slow, 3), [3, 4, 5]);
  t.match(await failure(take(slower, 1)), { code: "FailedPrecondition", data: { oldest: 3 } });
  t.match(await failure(take(log.subscribe(2), 1)), { message: /from 2 on are no longer kept: the oldest kept is 3/ });
  t.match(await failure(take(log.subscribe(7), 1)), { code: "FailedPrecondition", data: { last: 5 } });
});

test("a subscription ends with its signal, and with the log", async (t) => {
  const log = new EventLog<Event>(3, 41);
  const controller = new AbortController();
  const stopped = take(log.subscribe(0, controller.signal), 1);
  const open = take(log.subscribe(0), 2);
  controller.abort();
  t.same(await stopped, []);
  log.append({ name: "x" });
  log.close();
  t.same(await open, [42], "numbers go on from an earlier process");
});
