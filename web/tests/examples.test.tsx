// @vitest-environment jsdom
/** The examples of docs/frontend/README.md and the provider for Next.js, run as they are written, before a real server. */

import { webcrypto } from "node:crypto";
import { useWebSocket } from "@bonsai/react";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { Live } from "../../deploy/nextjs/app/live";
import { liveTokenHandler } from "../../deploy/nextjs/lib/live-token";
import "../testing/dom.tsx";
import { newUser, sharedServer } from "../testing/shared.ts";

declare const jsdom: { reconfigure(settings: { url: string }): void };

const server = sharedServer();
const { fetch } = globalThis;

/** The page is of the server's origin, as behind a proxy; Node.js knows no addresses relative to it. */
beforeEach(() => {
  jsdom.reconfigure({ url: `${server.http}/` });
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => fetch(new URL(path, server.http), init));
});

afterEach(() => {
  cleanup();
  document.body.innerHTML = "";
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

test("practice.js: a page without a framework", async () => {
  document.body.innerHTML = '<p id="state"></p><p id="numbers"></p><button id="right"></button>';
  const text = (id: string): string | null | undefined => document.getElementById(id)?.textContent;
  await import("snippet:docs/frontend/README.md/practice.js");
  await waitFor(() => expect(text("state")).toBe("joined"));
  document.getElementById("right")?.click();
  document.getElementById("right")?.click();
  await waitFor(() => expect(text("numbers")).toBe("2 of 2"));
});

test("App.tsx: questions, hints, graded answers", async () => {
  const alert = vi.fn();
  vi.stubGlobal("alert", alert);
  const { App } = await import("snippet:docs/frontend/README.md/App.tsx");
  render(<App />);
  const hint = await screen.findByRole("button", { name: "Hint" });
  const paragraphs = (): number => document.querySelectorAll("article > p").length;
  expect(paragraphs()).toBe(1);
  fireEvent.click(hint);
  await waitFor(() => expect(paragraphs()).toBe(2));
  const [choice] = screen.getAllByRole("button");
  fireEvent.click(choice as HTMLElement);
  await waitFor(() => expect(alert).toHaveBeenCalledWith(expect.stringMatching(/\w/)));
  await waitFor(() => expect(screen.getByRole("contentinfo").textContent).toMatch(/^[01] of 1 right, [01] in a row/));
  expect(screen.getByRole("status").textContent).toMatch(/^joined/);
});

function Connection(): string {
  const { state, error, client } = useWebSocket();
  return [state, client.joined?.userId, error?.code].filter(Boolean).join(" ");
}

test("the provider for Next.js gets its tokens from the route handler, and ends when nobody is signed in", async () => {
  vi.spyOn(console, "warn").mockReturnValue();
  const userId = newUser();
  const signedIn = vi.fn((): { userId: string } | undefined => ({ userId }));
  const handler = liveTokenHandler(signedIn);
  if (!globalThis.crypto?.subtle) vi.stubGlobal("crypto", webcrypto); // Node.js 18
  vi.stubGlobal("Uint8Array", new TextEncoder().encode("").constructor); // that of Node.js, where handlers run
  vi.stubEnv("JWT_SECRET", inject("secret"));
  vi.stubEnv("NEXT_PUBLIC_BONSAI_URL", server.url);
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => handler(new Request(new URL(path, server.http), init)));
  const { unmount } = render(
    <Live userId={userId}>
      <Connection />
    </Live>,
  );
  await screen.findByText(`joined ${userId}`);
  unmount();

  signedIn.mockReturnValue(undefined);
  render(
    <Live userId={newUser()}>
      <Connection />
    </Live>,
  );
  await screen.findByText("closed unauthenticated");
});
