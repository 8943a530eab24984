import * as v from "valibot";
import type { Network } from "./network.ts";

const subnet = v.object({ base: v.number(), bits: v.number() });

/** The durable state of a network. */
export const networkDocument: v.GenericSchema<unknown, Network> = v.object({
  id: v.string(),
  name: v.string(),
  created: v.string(),
  driver: v.picklist(["bridge", "host", "null"]),
  internal: v.boolean(),
  addresses: v.exactOptional(v.object({ subnet, range: subnet, gateway: v.number() })),
  bridge: v.string(),
  mtu: v.number(),
  options: v.record(v.string(), v.string()),
  labels: v.record(v.string(), v.string()),
});
