import t from "tap";
import { defaultNamespace, locateSupervisor, searchedAddresses } from "../src/supervisor/locate.ts";

const [own, engines] = searchedAddresses;

/** Sockets by their paths: true where a program listens, false for one that was left behind. */
const checks = (sockets: Readonly<Record<string, boolean>>) => {
  const probed: string[] = [];
  return {
    probed,
    exists: (path: string) => path in sockets,
    listens: async (path: string) => {
      probed.push(path);
      return sockets[path] === true;
    },
  };
};

t.test("without an address the supervisor that runs is found, the engine's too", async (t) => {
  const find = async (sockets: Readonly<Record<string, boolean>>) =>
    (await locateSupervisor(undefined, checks(sockets))).address;
  t.equal(await find({ [engines]: true }), engines, "after a plain start of the engine");
  t.equal(await find({ [own]: true }), own);
  t.equal(await find({ [own]: true, [engines]: true }), own);
  t.equal(await find({ [own]: false, [engines]: true }), engines, "a socket that was left behind is passed over");
  t.equal(await find({ [own]: false, [engines]: false }), own);
  t.equal(await find({}), own);
  const one = checks({ [engines]: true });
  await locateSupervisor(undefined, one);
  t.same(one.probed, [], "a single socket costs no connection of its own");
});

t.test("a given address is used as it is", async (t) => {
  const given = await locateSupervisor("/x/s.sock", checks({ [own]: true }));
  t.same(given, { address: "/x/s.sock", searched: ["/x/s.sock"] });
});

t.test("at the supervisor of an engine the namespace is the engine's", async (t) => {
  t.equal(defaultNamespace(`ipc://${engines}`), "gantry");
  t.equal(defaultNamespace("ipc:///tmp/state/supervisor/supervisor.sock"), "gantry");
  t.equal(defaultNamespace(`ipc://${own}`), "default");
});
