/** The state of the connection and what waits to be sent: always in sight, and read out when it changes. */

import { useWebSocket } from "@bonsai/react";
import type { ReactNode } from "react";
import { Button } from "../ui/index.ts";

const STATES = {
  idle: "Not connected",
  connecting: "Connecting",
  joined: "Live",
  waiting: "Offline",
  closed: "Disconnected",
};

export function Connection(): ReactNode {
  const { state, pending, error, connect } = useWebSocket();
  const waits = state !== "joined" && pending > 0;
  const why = state === "closed" ? error?.message : undefined;
  return (
    <div className="connection" data-state={state} title={why}>
      <span role="status">
        <span className="connection-dot" />
        {STATES[state]}
        {waits && <span className="connection-queue">{pending} to send</span>}
        {why && <span className="sr-only">: {why}</span>}
      </span>
      {state === "closed" && (
        <Button kind="quiet" onClick={() => void connect()}>
          Connect
        </Button>
      )}
    </div>
  );
}
