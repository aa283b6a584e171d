/** One socket for all hooks of a page: clients by who connects where, and how many components use each. */

import { type ClientConfig, createWebSocketClient, type WebSocketClient } from "@bonsai/client";

/**
 * How long a client stays connected after the last component that used it, in milliseconds: StrictMode mounts twice, and
 * a route changes by unmounting one page before it mounts the next. Longer, as long as it has something to send.
 */
export const LINGER = 1000;

interface Lease {
  users: number;
  token: string | undefined;
  timer?: ReturnType<typeof setTimeout>;
}

const clients = new Map<string, WebSocketClient>();
const leases = new WeakMap<WebSocketClient, Lease>();

/** What tells one shared client from another. */
export function keyOf({ url, auth }: ClientConfig): string {
  return JSON.stringify([url, auth?.userId, auth?.sessionId]);
}

/** The page's client for this configuration. On a server that renders there is no page: each call makes one of its own. */
export function sharedClient(config: ClientConfig): WebSocketClient {
  if (typeof document === "undefined") return createWebSocketClient(config);
  const key = keyOf(config);
  const client = clients.get(key) ?? createWebSocketClient(config);
  clients.set(key, client);
  return client;
}

/**
 * Use a client, from an effect. Returns how to end that; after the last one it disconnects, if it is a shared one. It is
 * kept for who comes later, with what it knows.
 *
 * @param config of a shared client; undefined for one that the application made and looks after.
 */
export function retain(client: WebSocketClient, config: ClientConfig | undefined): () => void {
  const lease: Lease = leases.get(client) ?? { users: 0, token: config?.auth?.token };
  leases.set(client, lease);
  lease.users++;
  clearTimeout(lease.timer);
  const end = (): void => {
    const isSending = client.status.pending > 0 && client.state !== "closed";
    if (isSending) lease.timer = setTimeout(end, LINGER);
    else client.disconnect();
  };
  return () => {
    lease.users--;
    if (config && lease.users === 0) lease.timer = setTimeout(end, LINGER);
  };
}

/** The page has another token than before: renew it. */
export function renew(client: WebSocketClient, token: string | undefined, expiresAt: number | undefined): void {
  const lease = leases.get(client);
  if (!lease || !token || lease.token === token) return;
  lease.token = token;
  client.refreshToken(token, expiresAt);
}
