import type { Filters } from "@gantry/ipc/contracts/engine-types";
import { invalid } from "../../base/errors.ts";
import { booleanFilter, checkFilters, matchesLabels, namePattern } from "../../base/filters.ts";
import type { Images } from "../../images/images.ts";
import type { Networks } from "../../networks/networks.ts";
import { expandExposed } from "../../networks/port-spec.ts";
import { type ContainerDocument, statusOf } from "../document.ts";
import type { Registry } from "../registry.ts";

export interface FilterDeps {
  readonly registry: Registry;
  readonly images: Images;
  readonly networks: Networks;
}

const known = "ancestor before exited expose health id is-task label name network publish since status volume".split(
  " ",
);
const statuses = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

type Test = (container: ContainerDocument) => boolean;

/**
 * The predicate of `ps --filter`: of one key any value may match, all keys have to.
 * @throws RpcError InvalidArgument for an unknown key or a bad value, NotFound for a container named in before or since
 */
export async function containerFilter(deps: FilterDeps, filters: Filters): Promise<Test> {
  checkFilters(filters, known);
  const tests: Test[] = [];
  for (const [key, values] of Object.entries(filters)) {
    if (values.length > 0) tests.push(await testOf(deps, key, values));
  }
  if (booleanFilter(filters, "is-task")) tests.push(() => false);
  return (container) => tests.every((test) => test(container));
}

async function testOf(deps: FilterDeps, key: string, values: readonly string[]): Promise<Test> {
  switch (key) {
    case "id":
      return (container) =>
        values.some((value) => container.id.startsWith(value) || namePattern(value).test(container.id));
    case "name": {
      const patterns = values.map(namePattern);
      return ({ name }) => patterns.some((pattern) => pattern.test(name) || pattern.test(`/${name}`));
    }
    case "label":
      return (container) => matchesLabels(container.config.Labels ?? {}, values);
    case "status":
      return statusTest(values);
    case "exited":
      return exitedTest(values);
    case "ancestor":
      return ancestorTest(deps, values);
    case "before":
    case "since":
      return orderTest(deps, key, values);
    case "network":
      return networkTest(deps, values);
    case "volume":
      return ({ mounts }) =>
        mounts.some((mount) =>
          values.some((value) => mount.Name === value || mount.Destination === value || mount.Source === value),
        );
    case "publish":
    case "expose":
      return portTest(key, values);
    case "health":
      return () => values.includes("none");
    default:
      return () => true;
  }
}

function statusTest(values: readonly string[]): Test {
  for (const value of values) {
    if (!statuses.includes(value))
      throw invalid(`invalid filter 'status=${value}': must be one of ${statuses.join(", ")}`);
  }
  return (container) => values.includes(statusOf(container));
}

function exitedTest(values: readonly string[]): Test {
  const codes = values.map((value) => {
    if (!/^\d+$/.test(value)) throw invalid(`invalid filter 'exited=${value}': must be a number`);
    return Number(value);
  });
  return (container) => statusOf(container) === "exited" && codes.includes(container.state.ExitCode);
}

async function ancestorTest(deps: FilterDeps, values: readonly string[]): Promise<Test> {
  const ids = await Promise.all(
    values.map((value) =>
      deps.images.resolve(value).then(
        (image) => image.id,
        () => "",
      ),
    ),
  );
  return (container) => ids.includes(container.imageId) || values.includes(container.config.Image);
}

function orderTest(deps: FilterDeps, key: "before" | "since", values: readonly string[]): Test {
  const times = values.map((value) => deps.registry.find(value).document.created);
  return ({ created }) => times.some((time) => (key === "before" ? created < time : created > time));
}

function networkTest(deps: FilterDeps, values: readonly string[]): Test {
  const ids = new Set(values.map((value) => deps.networks.lookup(value)?.id));
  return ({ endpoints, hostConfig }) =>
    Object.values(endpoints).some((endpoint) => ids.has(endpoint.networkId)) ||
    values.includes(hostConfig.NetworkMode ?? "");
}

function portTest(key: "publish" | "expose", values: readonly string[]): Test {
  const requested = values.flatMap(expandExposed);
  return ({ ports, config }) => {
    const open = ports.map(({ hostPort, containerPort, protocol }) => ({
      port: key === "publish" ? hostPort : containerPort,
      protocol,
    }));
    const exposed = key === "expose" ? Object.keys(config.ExposedPorts ?? {}).flatMap(expandExposed) : [];
    return requested.some((filter) =>
      [...open, ...exposed].some((port) => port.port === filter.port && port.protocol === filter.protocol),
    );
  };
}
