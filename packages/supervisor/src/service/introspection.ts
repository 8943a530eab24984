import { unimplemented } from "../errors.ts";
import type { ServiceHandlers } from "./handlers.ts";

export function introspectionService(): ServiceHandlers<"introspection"> {
  const later = async () => {
    throw unimplemented("introspection");
  };
  return { "introspection.plugins": later, "introspection.server": later };
}
