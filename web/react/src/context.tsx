/** Which client the hooks below use. */

"use client";

import type { ClientConfig, WebSocketClient } from "@bonsai/client";
import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import { keyOf, renew, retain, sharedClient } from "./registry.ts";

/** Whose client a hook uses: one that is given, else the page's for a configuration, else the provider's. */
export interface ClientSource {
  /** A client that the application made, and looks after. */
  client?: WebSocketClient | undefined;
  /** Where to connect, as whom: all hooks with the same address, user and session share one socket. */
  config?: ClientConfig | undefined;
}

const Context = createContext<ClientSource>({});

/** Gives a client to the hooks below. It connects when a hook asks for it, and lives as long as one needs it. */
export function BonsaiProvider({ children, client, config }: ClientSource & { children?: ReactNode }): ReactNode {
  const source = useMemo(() => ({ client, config }), [client, config]);
  return <Context.Provider value={source}>{children}</Context.Provider>;
}

/** The client of a hook, kept in use while it is mounted, and connected if `connect` says so. */
export function useClient(given: ClientSource, connect: boolean): WebSocketClient {
  const inherited = useContext(Context);
  const source = given.client || given.config ? given : inherited;
  const { config } = source;
  if (!source.client && !config) {
    throw new Error("no client: put <BonsaiProvider config={...}> above this component, or give the hook a config");
  }
  const key = config ? keyOf(config) : "";
  // biome-ignore lint/correctness/useExhaustiveDependencies: a configuration is the same as long as its key is
  const shared = useMemo(() => (config ? sharedClient(config) : undefined), [key]);
  const client = (source.client ?? shared) as WebSocketClient;
  const owned = source.client ? undefined : config;

  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  useEffect(() => retain(client, owned), [client, key]);

  useEffect(() => {
    if (connect) void client.connect();
  }, [client, connect]);

  const { token, expiresAt } = owned?.auth ?? {};
  useEffect(() => renew(client, token, expiresAt), [client, token, expiresAt]);
  return client;
}
