/** Watches the server for as long as the view is shown and the page is seen. */

import { BonsaiError } from "@bonsai/client";
import { useWebSocket } from "@bonsai/react";
import { useEffect, useState } from "react";
import { add, EMPTY, type History } from "./history.ts";

/** The history of figures; `refused` once the server has said that they are not for this user. */
export function useOperations(allowed: boolean): { history: History; refused: boolean } {
  const { isConnected, on, request } = useWebSocket();
  const [history, setHistory] = useState(EMPTY);
  const [refused, setRefused] = useState(false);

  useEffect(() => on("dashboard:operations", (figures) => setHistory((known) => add(known, figures))), [on]);

  useEffect(() => {
    if (!isConnected || !allowed) return undefined;
    const ask = (on: boolean): void => {
      request("dashboard:watch", { on }).then(
        () => setRefused(false),
        (error: unknown) => {
          if (on && error instanceof BonsaiError && error.code === "forbidden") setRefused(true);
        },
      );
    };
    const seen = (): void => ask(!document.hidden);
    seen();
    document.addEventListener("visibilitychange", seen);
    return () => {
      document.removeEventListener("visibilitychange", seen);
      ask(false);
    };
  }, [isConnected, allowed, request]);
  return { history, refused: refused || !allowed };
}
