import { memoryNetwork } from "../src/index.ts";
import { runSuite } from "./suite.ts";

const network = memoryNetwork();
let last = 0;
runSuite({
  name: "memory",
  ...network,
  endpoint() {
    last += 1;
    return `memory://${last}`;
  },
});
