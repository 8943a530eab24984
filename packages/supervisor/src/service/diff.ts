import { unimplemented } from "../errors.ts";
import type { Stores } from "../images/collect.ts";
import type { ServiceHandlers } from "./handlers.ts";

export function diffService(_stores: Stores): ServiceHandlers<"diff"> {
  return {
    "diff.create": async () => {
      throw unimplemented("diff.create");
    },
    "diff.apply": async () => {
      throw unimplemented("diff.apply");
    },
  };
}
