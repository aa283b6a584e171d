// @vitest-environment jsdom
/** `RealTimeDashboard`: what is on it, for eyes and for screen readers. */

import type { ClientConfig } from "@bonsai/client";
import {
  BonsaiProvider,
  type DashboardProps,
  RealTimeDashboard,
  useRealTimeAnalytics,
  useRealTimeRecommendations,
} from "@bonsai/react";
import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { expect, test, vi } from "vitest";
import { newConfig } from "../../testing/dom.tsx";

let record: ReturnType<typeof useRealTimeAnalytics>["recordAnswer"];
let revision: number | undefined;

function Practice(): null {
  record = useRealTimeAnalytics().recordAnswer;
  revision = useRealTimeRecommendations().update?.revision;
  return null;
}

function show(config: ClientConfig, props: Partial<DashboardProps> = {}): void {
  render(
    <StrictMode>
      <BonsaiProvider config={config}>
        <RealTimeDashboard userId={config.auth?.userId ?? ""} sessionId={config.auth?.sessionId ?? ""} {...props} />
        <Practice />
      </BonsaiProvider>
    </StrictMode>,
  );
}

test("shows the connection, the numbers, the next questions and the coach", async () => {
  const { config } = await newConfig();
  const onQuestionChosen = vi.fn();
  show(config, { onQuestionChosen, most: 2 });
  const panel = screen.getByRole("region", { name: "Live practice" });
  await waitFor(() => expect(within(panel).getByRole("status").textContent).toBe("Connected"));
  await act(() => Promise.all([true, true, false, true].map((correct, n) => record(`q${n}`, correct, 30))));
  await waitFor(() => expect(panel.textContent).toContain("3 of 4"));
  expect(within(panel).getByText("Streak").parentElement?.textContent).toBe("Streak1 best 2");

  const questions = screen.getByRole("region", { name: "Next questions" });
  await waitFor(() => expect(within(questions).getAllByRole("listitem")).toHaveLength(2));
  const [first] = within(questions).getAllByRole("listitem");
  fireEvent.click(within(first as HTMLElement).getByRole("button"));
  expect(onQuestionChosen).toHaveBeenCalledWith(expect.objectContaining({ stem: expect.any(String) }));
  const before = revision ?? Infinity;
  fireEvent.click(within(questions).getByRole("button", { name: "Suggest anew" }));
  await waitFor(() => expect(revision).toBeGreaterThan(before));

  expect(screen.getByRole("log")).toBeDefined();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("offline it says so, and how much waits to be sent", async () => {
  const { config, network } = await newConfig();
  show(config);
  await waitFor(() =>
    expect(screen.getByRole("region", { name: "Next questions" }).textContent).toContain("difficulty"),
  );
  await act(() => network.refuse());
  act(() => void record("q1", true, 30));
  await waitFor(() =>
    expect(screen.getByRole("status").textContent).toMatch(/^(Offline, trying again|Connecting), 1 to send$/),
  );
  await act(() => network.admit());
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("Connected"));
  await waitFor(() => expect(screen.getByRole("region", { name: "Live practice" }).textContent).toContain("1 of 1"));
});

test("a refused connection is told with its reason, and can be tried again", async () => {
  const { config } = await newConfig();
  vi.spyOn(console, "warn").mockReturnValue();
  const auth = { ...config.auth, token: "refused" };
  show({ ...config, auth });
  await waitFor(() => expect(screen.getByRole("status").textContent).toMatch(/^Disconnected: .*token/));
  fireEvent.click(screen.getByRole("button", { name: "Connect" }));
  await waitFor(() => expect(screen.getByRole("status").textContent).toMatch(/^Disconnected: /));
});

test("without a provider it connects by itself", async () => {
  const { config } = await newConfig();
  const { userId = "", sessionId = "", token = "" } = config.auth ?? {};
  render(<RealTimeDashboard userId={userId} sessionId={sessionId} url={config.url} auth={{ token }} />);
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("Connected"));
});

test("below a provider nothing needs to be said twice", async () => {
  const { config } = await newConfig();
  render(
    <BonsaiProvider config={config}>
      <RealTimeDashboard />
    </BonsaiProvider>,
  );
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("Connected"));
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a connection of another session is called that", async () => {
  const { config } = await newConfig();
  show(config, { sessionId: "another" });
  expect((await screen.findByRole("alert")).textContent).toContain("another user or session");
});

test("what a server rendered is taken over without a mismatch", async () => {
  const { config } = await newConfig();
  const page = (): ReactNode => (
    <BonsaiProvider config={config}>
      <RealTimeDashboard userId={config.auth?.userId ?? ""} sessionId={config.auth?.sessionId ?? ""} />
    </BonsaiProvider>
  );
  const container = document.createElement("div");
  document.body.append(container);
  container.innerHTML = renderToString(page());
  expect(container.textContent).toContain("Not connected");
  const failures = vi.fn();
  const root = await act(() => hydrateRoot(container, page(), { onRecoverableError: failures }));
  await waitFor(() => expect(within(container).getByRole("status").textContent).toBe("Connected"));
  expect(failures).not.toHaveBeenCalled();
  act(() => root.unmount());
  container.remove();
});
