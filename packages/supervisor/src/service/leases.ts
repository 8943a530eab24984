import { unimplemented } from "../errors.ts";
import type { ServiceHandlers } from "./handlers.ts";

export function leaseService(): ServiceHandlers<"leases" | "gc"> {
  const later = async () => {
    throw unimplemented("leases");
  };
  return {
    "leases.create": later,
    "leases.list": later,
    "leases.delete": later,
    "leases.addResource": later,
    "leases.deleteResource": later,
    "leases.listResources": later,
    "gc.run": later,
  };
}
