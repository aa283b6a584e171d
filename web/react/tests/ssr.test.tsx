/** On the server side of Next.js: nothing of a browser is there, at import or while rendering. */

import {
  BonsaiProvider,
  RealTimeDashboard,
  useLiveCoaching,
  useRealTimeAnalytics,
  useRealTimeRecommendations,
  useWebSocket,
} from "@bonsai/react";
import type { ReactNode } from "react";
import { renderToString } from "react-dom/server";
import { expect, test, vi } from "vitest";

const config = { url: "/ws", auth: { userId: "ada", sessionId: "s1", token: "a.secret.token" } };

function Page(): ReactNode {
  const { isConnected, state, pending } = useWebSocket();
  const { analytics } = useRealTimeAnalytics();
  const { recommendations } = useRealTimeRecommendations();
  const { coaching, getUnreadCount } = useLiveCoaching();
  return JSON.stringify([
    isConnected,
    state,
    pending,
    analytics.currentSession.questionsAnswered,
    recommendations,
    coaching.messages,
    getUnreadCount(),
  ]);
}

test("there is no window here", () => {
  expect(globalThis).not.toHaveProperty("window");
  expect(globalThis).not.toHaveProperty("document");
});

test("every hook renders as not connected, and nothing connects", () => {
  const socket = vi.fn();
  vi.stubGlobal("WebSocket", socket);
  const html = renderToString(
    <BonsaiProvider config={config}>
      <Page />
    </BonsaiProvider>,
  );
  expect(html.replaceAll("&quot;", '"')).toBe('[false,"idle",0,0,[],[],0]');
  expect(socket).not.toHaveBeenCalled();
  vi.unstubAllGlobals();
});

test("requests of different users share nothing", () => {
  const clients: unknown[] = [];
  function Look(): null {
    clients.push(useWebSocket().client);
    return null;
  }
  for (let request = 0; request < 2; request++) {
    renderToString(
      <BonsaiProvider config={config}>
        <Look />
      </BonsaiProvider>,
    );
  }
  expect(clients[0]).not.toBe(clients[1]);
});

test("the dashboard renders, without the token", () => {
  const html = renderToString(
    <RealTimeDashboard userId="ada" sessionId="s1" url="/ws" auth={{ token: "a.secret.token" }} />,
  );
  expect(html).toContain("Not connected");
  expect(html).toContain("Live practice");
  expect(html).not.toContain("secret");
});
