/** Hooks over the session's shared state, the server's clock, and the time. */

import { useWebSocket } from "@bonsai/react";
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { type Shared, type SharedState, sharedStateOf } from "./state.ts";

/** The session's shared state, and how to change it. */
export function useShared(): [Shared, SharedState] {
  const { client } = useWebSocket();
  const state = sharedStateOf(client);
  return [useSyncExternalStore(state.subscribe, state.get), state];
}

/** The server's clock, in milliseconds since the epoch: the same for all of a student's devices. */
export function useServerClock(): () => number {
  const { client } = useWebSocket();
  const offset = useRef(client.joined ? client.joined.serverTime - Date.now() : 0);
  const known = useRef(false);
  useEffect(() => {
    return client.on("user:joined", ({ serverTime }) => {
      if (known.current) return; // one offset for the page: a clock that jumps would jump in every timer
      known.current = true;
      offset.current = serverTime - Date.now();
    });
  }, [client]);
  return useCallback(() => Math.round(Date.now() + offset.current), []);
}

/** Renders anew every second while `running`. */
export function useSeconds(running: boolean): void {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, [running]);
}

/** Whether a media query holds. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (changed: () => void) => {
      const list = matchMedia(query);
      list.addEventListener("change", changed);
      return () => list.removeEventListener("change", changed);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}
