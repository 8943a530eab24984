export { addressAdd, addressDelete } from "./address.ts";
export {
  linkAddBridge,
  linkAddDummy,
  linkAddVeth,
  linkDelete,
  linkRename,
  linkSet,
  linkSetHairpin,
} from "./link.ts";
export { routeAdd, routeAddDefault, routeDelete } from "./route.ts";
