/** Clients of the tests' server, in Node.js. */

import { type ClientConfig, createWebSocketClient, type WebSocketClient } from "@bonsai/client";
import { onTestFinished } from "vitest";
import { WebSocket as NodeWebSocket } from "ws";
import type { Endpoint } from "./endpoint.ts";
import { newUser } from "./shared.ts";

export { newUser, sharedServer, until } from "./shared.ts";

/** The WebSocket of Node.js tests, which counts what it sends. */
export class CountingSocket extends NodeWebSocket {
  static sent: (string | Uint8Array)[] = [];

  override send(data: string | Uint8Array): void {
    CountingSocket.sent.push(data);
    super.send(data);
  }
}

/** Frames of these events that were sent, in order; batches are taken apart. */
export function sentFrames(event: string): { event: string; id?: number; data: unknown }[] {
  return CountingSocket.sent
    .filter((message): message is string => typeof message === "string")
    .flatMap((message) => JSON.parse(message))
    .filter((frame) => frame.event === event);
}

/** A client that is ended with the test, quick to come back. */
export async function newClient(server: Endpoint, config: Partial<ClientConfig> = {}): Promise<WebSocketClient> {
  const userId = config.auth?.userId ?? newUser();
  const auth = config.auth?.tokenProvider ? {} : { token: await server.token({ userId }) };
  const client = createWebSocketClient({
    url: server.url,
    reconnect: { delay: 10, maxDelay: 50 },
    WebSocket: CountingSocket as unknown as typeof WebSocket,
    ...config,
    auth: { userId, sessionId: `session-of-${userId}`, ...auth, ...config.auth },
  });
  client.on("error", () => undefined);
  onTestFinished(() => client.close());
  return client;
}
