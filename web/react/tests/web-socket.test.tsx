// @vitest-environment jsdom
/** `useWebSocket`: one socket for a page, through StrictMode, unmounting and lost connections. */

import { createWebSocketClient } from "@bonsai/client";
import {
  BonsaiProvider,
  useLiveCoaching,
  useRealTimeAnalytics,
  useRealTimeRecommendations,
  useWebSocket,
  type WebSocketOptions,
} from "@bonsai/react";
import { act, render, renderHook, screen, waitFor } from "@testing-library/react";
import { StrictMode } from "react";
import { describe, expect, test, vi } from "vitest";
import { newConfig, renderLive } from "../../testing/dom.tsx";
import { sharedServer } from "../../testing/shared.ts";
import { LINGER } from "../src/registry.ts";

test("all hooks of a page share one socket, also in StrictMode", async () => {
  const { config, network } = await newConfig();
  function Part(): string {
    const all = [useWebSocket(), useRealTimeAnalytics(), useRealTimeRecommendations(), useLiveCoaching()];
    return all.every(({ isConnected }) => isConnected) ? "connected" : "not connected";
  }
  render(
    <StrictMode>
      <BonsaiProvider config={config}>
        <Part /> <Part />
      </BonsaiProvider>
    </StrictMode>,
  );
  await screen.findByText("connected connected");
  expect(network.connections).toBe(1);
});

test("so do hooks with the same configuration and no provider; others have their own", async () => {
  const [one, other] = [await newConfig(), await newConfig()];
  const hooks = [one.config, { ...one.config }, other.config].map((config) =>
    renderHook(() => useWebSocket({ config }), { wrapper: StrictMode }),
  );
  await waitFor(() => expect(hooks.map(({ result }) => result.current.isConnected)).toEqual([true, true, true]));
  expect([one.network.connections, other.network.connections]).toEqual([1, 1]);
  expect(hooks[0]?.result.current.client).toBe(hooks[1]?.result.current.client);
});

test("the last component to go disconnects, unless another comes in time", async () => {
  const { config, network } = await newConfig();
  const first = renderLive(() => useWebSocket(), config);
  await waitFor(() => expect(first.result.current.isConnected).toBe(true));
  const { client } = first.result.current;
  first.unmount();
  const second = renderLive(() => useWebSocket(), config);
  await waitFor(() => expect(second.result.current.isConnected).toBe(true));
  expect(second.result.current.client).toBe(client);
  await new Promise((resolve) => setTimeout(resolve, LINGER + 200));
  expect(second.result.current.isConnected).toBe(true);
  second.unmount();
  await waitFor(() => expect(client.state).toBe("idle"));
  expect(network.connections).toBe(1);
  const third = renderLive(() => useWebSocket(), config);
  await waitFor(() => expect(third.result.current.isConnected).toBe(true));
  expect(network.connections).toBe(2);
});

test("what was said before the last component went is sent, also when the network comes back much later", async () => {
  const { config, network } = await newConfig();
  const { result, unmount } = renderLive(() => useWebSocket(), config);
  await waitFor(() => expect(result.current.isConnected).toBe(true));
  const { client } = result.current;
  await act(() => network.refuse());
  result.current.emit("probe:count", { key: "k" });
  unmount();
  await new Promise((resolve) => setTimeout(resolve, LINGER + 200));
  expect(client.status.pending).toBe(1);
  await network.admit();
  await waitFor(() => expect(client.state).toBe("idle"));
  expect(client.status.pending).toBe(0);
  const later = renderLive(() => useWebSocket(), config);
  const counted = await act(() => later.result.current.request("probe:count", { key: "k" }));
  expect(counted).toEqual({ key: "k", count: 2 });
});

test("emit sends, on receives, and what on returns stops it", async () => {
  const { config } = await newConfig();
  const { result } = renderLive(() => useWebSocket(), config);
  const counts: unknown[] = [];
  const stop = result.current.on("probe:counted", (data) => counts.push(data));
  act(() => result.current.emit("probe:count", { key: "k" })); // offline still: it is queued
  await waitFor(() => expect(counts).toEqual([{ key: "k", count: 1 }]));
  stop();
  await act(() => result.current.request("probe:count", { key: "k" }));
  expect(counts).toHaveLength(1);
});

test("its functions stay the same, and it renders only when something changed", async () => {
  const { config } = await newConfig();
  const seen: unknown[][] = [];
  const { result } = renderLive(() => {
    const { emit, on, request, connect, disconnect, isConnected } = useWebSocket();
    seen.push([emit, on, request, connect, disconnect]);
    return { isConnected };
  }, config);
  await waitFor(() => expect(result.current.isConnected).toBe(true));
  for (const functions of seen) expect(functions.every((one, at) => one === seen[0]?.[at])).toBe(true);
  expect(seen.length).toBeLessThan(12);
});

test("onConnect is called at each join, onError for what fails", async () => {
  const { config, network, userId } = await newConfig();
  const options = { onConnect: vi.fn(), onError: vi.fn() } satisfies WebSocketOptions;
  const { result } = renderLive(() => useWebSocket(options), config);
  await waitFor(() => expect(options.onConnect).toHaveBeenCalledTimes(1));
  expect(options.onConnect).toHaveBeenCalledWith(expect.objectContaining({ userId }));
  expect(options.onError).not.toHaveBeenCalled();
  act(() => result.current.emit("nobody:knows", {}));
  await waitFor(() => expect(options.onError).toHaveBeenCalledTimes(1));
  expect(options.onError).toHaveBeenCalledWith(expect.objectContaining({ code: "unknown_event" }));
  network.cut();
  await waitFor(() => expect(options.onConnect).toHaveBeenCalledTimes(2));
  expect(options.onError).toHaveBeenCalledWith(expect.objectContaining({ code: "lost" }));
});

test("autoConnect: false waits for connect", async () => {
  const { config, network } = await newConfig();
  const { result } = renderLive(() => useWebSocket({ autoConnect: false }), config);
  expect(result.current).toMatchObject({ state: "idle", isConnected: false });
  await act(() => result.current.connect());
  expect(result.current).toMatchObject({ state: "joined", isConnected: true });
  expect(network.connections).toBe(1);
});

test("messages that wait are counted, and why is told", async () => {
  const { config, network } = await newConfig();
  const { result } = renderLive(() => useWebSocket(), config);
  await waitFor(() => expect(result.current.isConnected).toBe(true));
  await act(() => network.refuse());
  await waitFor(() => expect(result.current.error).toMatchObject({ code: "lost" }));
  act(() => result.current.emit("probe:count", { key: "k" }));
  await waitFor(() => expect(result.current.pending).toBe(1));
  await act(() => network.admit());
  await waitFor(() => expect(result.current).toMatchObject({ pending: 0, isConnected: true, error: undefined }));
});

test("a new token of the page renews the old one in place", async () => {
  const { config, network, userId } = await newConfig();
  const token = await sharedServer().token({ userId, ttlSeconds: 7200 });
  let current = config;
  const { result, rerender } = renderHook(() => useWebSocket({ config: current }));
  await waitFor(() => expect(result.current.isConnected).toBe(true));
  current = { ...config, auth: { ...config.auth, token } };
  rerender();
  await waitFor(() => expect(result.current.pending).toBe(0));
  network.cut();
  const { tokenExpiresAt = 0 } = result.current.client.joined ?? {};
  await waitFor(() => expect(result.current.client.joined?.tokenExpiresAt).toBeGreaterThan(tokenExpiresAt));
});

test("a client that the application made is used, and left connected", async () => {
  const { config } = await newConfig();
  const client = createWebSocketClient(config);
  const { result, unmount } = renderHook(() => useWebSocket({ client }), { wrapper: StrictMode });
  await waitFor(() => expect(result.current.isConnected).toBe(true));
  unmount();
  expect(client.state).toBe("joined");
  client.close();
});

test("without a client it says what is missing", () => {
  vi.spyOn(console, "error").mockReturnValue();
  expect(() => renderHook(() => useWebSocket())).toThrowError(/BonsaiProvider/);
});

describe("what wakes a client that waits", () => {
  test.each([
    ["the network is back", () => window.dispatchEvent(new Event("online"))],
    ["somebody looks", () => document.dispatchEvent(new Event("visibilitychange"))],
  ])("%s", async (_, wake) => {
    const { config, network } = await newConfig();
    const patient = { ...config, reconnect: { delay: 3600_000, maxDelay: 3600_000 } };
    vi.spyOn(Math, "random").mockReturnValue(0.9);
    const { result } = renderHook(() => useWebSocket({ config: patient }));
    await waitFor(() => expect(result.current.isConnected).toBe(true));
    network.cut();
    await waitFor(() => expect(result.current.state).toBe("waiting"));
    wake();
    await waitFor(() => expect(result.current.isConnected).toBe(true));
  });

  test("a page that nobody sees: the network, and not that it was hidden", async () => {
    const { config, network } = await newConfig();
    const patient = { ...config, reconnect: { delay: 3600_000, maxDelay: 3600_000 } };
    vi.spyOn(Math, "random").mockReturnValue(0.9);
    vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    const { result } = renderHook(() => useWebSocket({ config: patient }));
    await waitFor(() => expect(result.current.isConnected).toBe(true));
    network.cut();
    await waitFor(() => expect(result.current.state).toBe("waiting"));
    const { retryAt = 0 } = result.current.client.status;
    document.dispatchEvent(new Event("visibilitychange"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(result.current.client.status).toMatchObject({ state: "waiting", retryAt });
    expect(network.connections).toBe(1);
    window.dispatchEvent(new Event("online"));
    await waitFor(() => expect(result.current.isConnected).toBe(true));
  });

  test("a network that goes away is found out at once", async () => {
    const { config, network } = await newConfig();
    const impatient = { ...config, heartbeat: { timeout: 50 } };
    const onError = vi.fn();
    const { result } = renderHook(() => useWebSocket({ config: impatient, onError }));
    await waitFor(() => expect(result.current.isConnected).toBe(true));
    await act(() => result.current.request("session:state")); // what comes after the join has come
    network.mute("down");
    window.dispatchEvent(new Event("offline"));
    await waitFor(() => expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: "lost" })));
  });
});
