/** The student's other devices, and how to bring in one more: by a QR code or a link. */

import type { JoinedDevice } from "@bonsai/client";
import { useWebSocket } from "@bonsai/react";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { joinFragment } from "../session/address.ts";
import { useSession } from "../session/session.tsx";
import { Button, Dialog, Icon } from "../ui/index.ts";
import "./devices.css";

/** The devices that are in the session now. */
export function useDevices(): JoinedDevice[] {
  const { client } = useWebSocket();
  const [devices, setDevices] = useState(client.joined?.devices ?? []);
  useEffect(() => {
    const without = (list: JoinedDevice[], { clientId }: JoinedDevice): JoinedDevice[] =>
      list.filter((device) => device.clientId !== clientId);
    const stops = [
      client.on("user:joined", (joined) => setDevices(joined.devices)),
      client.on("user:connect", ({ device }) => setDevices((list) => [...without(list, device), device])),
      client.on("user:disconnect", ({ device }) => setDevices((list) => without(list, device))),
    ];
    setDevices(client.joined?.devices ?? []);
    return () => {
      for (const stop of stops) stop();
    };
  }, [client]);
  return devices;
}

export function Devices({ open, onClose }: { open: boolean; onClose: () => void }): ReactNode {
  const { userId, sessionId, dev } = useSession();
  const { client } = useWebSocket();
  const devices = useDevices();
  const [copied, setCopied] = useState(false);
  const link = `${location.origin}${location.pathname}${joinFragment({ userId, sessionId, dev })}`;
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  return (
    <Dialog title="Go on with another device" open={open} onClose={onClose}>
      <p>Scan this, or open the link: both windows show the same question, answers and messages.</p>
      {open && <QrCode text={link} />}
      <p className="link">
        <a href={link} target="_blank" rel="noopener">
          {link}
        </a>
        <Button
          kind="icon"
          aria-label="Copy the link"
          onClick={() => navigator.clipboard.writeText(link).then(() => setCopied(true))}
        >
          <Icon name={copied ? "check" : "copy"} />
        </Button>
      </p>
      {here && (
        <p className="soft">
          This server listens on this machine alone, so a phone cannot reach it; a second window can.
        </p>
      )}
      <h3>{devices.length === 1 ? "This device is alone" : `${devices.length} devices`}</h3>
      <ul className="devices">
        {devices.map(({ clientId, name, kind }) => (
          <li key={clientId}>
            <Icon name="devices" /> {name || kind}
            {clientId === client.joined?.clientId && <span className="soft">this one</span>}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function QrCode({ text }: { text: string }): ReactNode {
  const [modules, setModules] = useState<boolean[][]>();
  useEffect(() => {
    let current = true;
    import("uqr").then(({ encode }) => current && setModules(encode(text, { border: 2 }).data));
    return () => {
      current = false;
    };
  }, [text]);
  const path = useMemo(
    () => modules?.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("") ?? "",
    [modules],
  );
  const size = modules?.length ?? 33;
  return (
    <svg
      className="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label="QR code of the link below"
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
