/** React components in jsdom, with clients of the tests' server. */

import type { ClientConfig } from "@bonsai/client";
import { BonsaiProvider } from "@bonsai/react";
import { cleanup, configure, type RenderHookResult, renderHook } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { afterEach, onTestFinished } from "vitest";
import { sharedClient } from "../react/src/registry.ts";
import { Network } from "./network.ts";
import { newUser, sharedServer } from "./shared.ts";

configure({ asyncUtilTimeout: 60_000 });
afterEach(cleanup);

/** Where to connect, as a user of its own, through a network that counts connections and can be cut. */
export async function newConfig(): Promise<{ config: ClientConfig; network: Network; userId: string }> {
  const server = sharedServer();
  const network = await Network.to(server.port);
  onTestFinished(() => network.close());
  const userId = newUser();
  const config: ClientConfig = {
    url: network.url,
    auth: { userId, sessionId: `session-of-${userId}`, token: await server.token({ userId }) },
    reconnect: { delay: 10, maxDelay: 50 },
  };
  onTestFinished(() => sharedClient(config).close()); // it would outlive the document
  return { config, network, userId };
}

/** A hook below a provider, in StrictMode, as a careful application has it. */
export function renderLive<T>(hook: () => T, config: ClientConfig): RenderHookResult<T, unknown> {
  const wrapper = ({ children }: { children: ReactNode }): ReactNode => (
    <StrictMode>
      <BonsaiProvider config={config}>{children}</BonsaiProvider>
    </StrictMode>
  );
  return renderHook(hook, { wrapper });
}
