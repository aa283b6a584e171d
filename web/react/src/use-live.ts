/** What the live hooks have in common. */

"use client";

import type { BonsaiError, WebSocketClient } from "@bonsai/client";
import { useCallback, useState, useSyncExternalStore } from "react";
import { type ClientSource, useClient } from "./context.tsx";
import { type Live, liveOf } from "./live.ts";
import type { Store } from "./store.ts";
import { useStatus } from "./use-web-socket.ts";

/** A client's live state, and a part of it. */
export interface LiveView<T> {
  client: WebSocketClient;
  live: Live;
  isConnected: boolean;
  state: T;
  /** Why the latest action failed; undefined once one succeeds. */
  error: BonsaiError | undefined;
  /** Take an action, and connect first if nobody has: who does not wait for its promise sees `error`. */
  act: <R>(action: (client: WebSocketClient) => Promise<R>) => Promise<R>;
}

/** A part of a client's live state, and how to act on it. */
export function useLive<T>(source: ClientSource, connect: boolean, part: (live: Live) => Store<T>): LiveView<T> {
  const client = useClient(source, connect);
  const live = liveOf(client);
  const store = part(live);
  const state = useSyncExternalStore(store.subscribe, store.get, store.initial);
  const [error, setError] = useState<BonsaiError>();
  const act = useCallback(
    <R>(action: (client: WebSocketClient) => Promise<R>): Promise<R> => {
      if (!connect && client.state === "idle") void client.connect();
      const promise = action(client);
      promise.then(
        () => setError(undefined),
        (failure: BonsaiError) => setError(failure),
      );
      return promise;
    },
    [client, connect],
  );
  return { client, live, isConnected: useStatus(client).state === "joined", state, error, act };
}
