import { connect } from "@gantry/ipc";
import { engineContract } from "@gantry/ipc/contracts/engine";

/** Asks an engine to stop everything and end; returns when it has. @throws RpcError Unavailable when none answers */
export async function requestShutdown(endpoint: string): Promise<void> {
  let lost: () => void = () => {};
  const gone = new Promise<void>((resolve) => {
    lost = resolve;
  });
  const client = connect(engineContract, { endpoint, connectTimeoutMs: 0, onDisconnect: () => lost() });
  try {
    await client.call("shutdown", {}, { timeoutMs: 0 });
    await gone;
  } finally {
    client.close();
  }
}
