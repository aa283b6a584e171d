/** `useWebSocket`: the page's connection. */

"use client";

import type { BonsaiError, Joined, Status, WebSocketClient } from "@bonsai/client";
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { type ClientSource, useClient } from "./context.tsx";
import { liveOf } from "./live.ts";

/** Options of `useWebSocket`. */
export interface WebSocketOptions extends ClientSource {
  /** Connect when mounted. Default true. */
  autoConnect?: boolean | undefined;
  /** Called at each join, also after a lost connection; at once when it is joined already. */
  onConnect?: ((joined: Joined) => void) | undefined;
  /** Called when the connection fails, also when it is being made again, and for refused messages of `emit`. */
  onError?: ((error: BonsaiError) => void) | undefined;
}

/** What `useWebSocket` returns. Its functions stay the same as long as the client does. */
export interface WebSocketHandle {
  /** Whether messages go out at once; if not, they queue up. */
  isConnected: boolean;
  state: Status["state"];
  /** Messages that have no answer yet. */
  pending: number;
  /** Why it is not connected. */
  error: BonsaiError | undefined;
  emit: WebSocketClient["emit"];
  request: WebSocketClient["request"];
  /** Returns how to stop listening, as effects like it: `useEffect(() => on("question:analyzed", show), [on])`. */
  on: WebSocketClient["on"];
  connect: WebSocketClient["connect"];
  disconnect: WebSocketClient["disconnect"];
  client: WebSocketClient;
}

/** What is rendered on a server, and first in the browser. */
const ON_SERVER: Status = { state: "idle", pending: 0 };

/** The page's connection: shared by all hooks, made when the first is mounted, ended after the last is gone. */
export function useWebSocket(options: WebSocketOptions = {}): WebSocketHandle {
  const { autoConnect = true, onConnect, onError } = options;
  const client = useClient(options, autoConnect);
  const status = useStatus(client);
  liveOf(client); // what comes before the components that show it

  const connected = useLatest(onConnect);
  const failed = useLatest(onError);
  useEffect(() => {
    if (client.state === "joined" && client.joined) connected.current?.(client.joined);
    return client.on("user:joined", (joined) => connected.current?.(joined));
  }, [client, connected]);
  const wantsErrors = Boolean(onError); // else the console has them
  useEffect(
    () => (wantsErrors ? client.on("error", (error) => failed.current?.(error)) : undefined),
    [client, failed, wantsErrors],
  );

  const methods = useMemo(
    () => ({
      emit: client.emit.bind(client) as WebSocketClient["emit"],
      request: client.request.bind(client) as WebSocketClient["request"],
      on: client.on.bind(client) as WebSocketClient["on"],
      connect: client.connect.bind(client),
      disconnect: client.disconnect.bind(client),
      client,
    }),
    [client],
  );
  const { state, pending, error } = status;
  return { isConnected: state === "joined", state, pending, error, ...methods };
}

/** What a client is doing. */
export function useStatus(client: WebSocketClient): Status {
  const subscribe = useCallback((changed: () => void) => client.on("status", changed), [client]);
  return useSyncExternalStore(
    subscribe,
    () => client.status,
    () => ON_SERVER,
  );
}

/** A reference to what was given last, so that a new function is no reason to subscribe anew. */
export function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}
