import { createServer } from "node:http";
import { type RunResult, run, tempDir } from "@gantry/testkit";

export interface DockerPeer extends AsyncDisposable {
  /** Runs the machine's docker against it. */
  docker(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<RunResult>;
}

/**
 * The Engine API on a socket, as far as docker needs it to print known objects.
 * @param answers JSON documents by the path behind the API's version, such as /containers/json
 */
export async function dockerPeer(answers: Readonly<Record<string, unknown>>): Promise<DockerPeer> {
  const directory = tempDir("docker-peer");
  const socket = `${directory.path}/docker.sock`;
  const server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/\?.*/, "").replace(/^\/v[\d.]+/, "");
    response.setHeader("Api-Version", "1.41");
    response.setHeader("Content-Type", "application/json");
    if (path === "/_ping") response.end("OK");
    else if (path in answers) response.end(JSON.stringify(answers[path]));
    else {
      response.statusCode = 404;
      response.end(JSON.stringify({ message: `no answer for ${path}` }));
    }
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    docker: (args, env = {}) =>
      run("docker", args, { env: { DOCKER_CONFIG: directory.path, ...env, DOCKER_HOST: `unix://${socket}` } }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await directory[Symbol.asyncDispose]();
    },
  };
}
