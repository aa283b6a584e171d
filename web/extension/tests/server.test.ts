/** Addresses and tokens, as people write them. */

import { expect, test } from "vitest";
import { claimsOf, hostPattern, Mistake, pageAddress, serverAddress, socketUrl } from "../src/shared/server.ts";

test.each([
  ["https://live.example.org", "https://live.example.org"],
  ["live.example.org", "https://live.example.org"],
  [" wss://live.example.org/ws ", "https://live.example.org"],
  ["https://example.org/bonsai/", "https://example.org/bonsai"],
  ["https://example.org/bonsai/ws", "https://example.org/bonsai"],
  ["localhost:3001", "http://localhost:3001"],
  ["ws://127.0.0.1:3001/ws", "http://127.0.0.1:3001"],
  ["https://live.example.org#top", "https://live.example.org"],
])("%s is the server %s", (written, address) => {
  expect(serverAddress(written)).toBe(address);
});

test.each([
  ["", /Write the address/],
  ["   ", /Write the address/],
  ["not an address", /no address/],
  ["ftp://example.org", /no address/],
  ["javascript:alert(1)", /no address/],
  ["http://live.example.org", /Without https/],
  ["ws://192.168.1.5:3001", /Without https/],
  ["http://localhost.example.org", /Without https/],
  ["https://ada:secret@example.org", /passwords/],
  ["https://example.org/?token=abc", /question mark/],
])("%j is refused", (written, why) => {
  expect(() => serverAddress(written)).toThrowError(Mistake);
  expect(() => serverAddress(written)).toThrowError(why);
});

test("a server's WebSocket, and what the browser is asked to allow", () => {
  expect(socketUrl("https://example.org/bonsai")).toBe("wss://example.org/bonsai/ws");
  expect(socketUrl("http://localhost:3001")).toBe("ws://localhost:3001/ws");
  expect(hostPattern("http://localhost:3001")).toBe("http://localhost/*");
});

function token(claims: unknown): string {
  return `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;
}

test("a token says whose it is, until when, and for which session", () => {
  expect(claimsOf(token({ sub: "zoë", exp: 2000 }), 1_000_000)).toEqual({ userId: "zoë", expiresAt: 2_000_000 });
  expect(claimsOf(token({ sub: "ada", exp: 2000, sid: "s1" }), 0).sessionId).toBe("s1");
});

test.each([
  ["", /no token/],
  ["a.b", /no token/],
  ["a.b.c", /no token/],
  [`${token({ sub: "ada", exp: 2000 })}.more`, /no token/],
  ["a.bnVsbA.c", /no token/],
  [token([]), /whose/],
  [token({ exp: 2000 }), /whose/],
  [token({ sub: "ada" }), /whose/],
  [token({ sub: "ada", exp: "2000" }), /whose/],
  [token({ sub: "ada", exp: 1000 }), /expired/],
])("%j is refused as a token, and not repeated", (written, why) => {
  expect(() => claimsOf(written, 1_000_000)).toThrowError(why);
  try {
    claimsOf(written, 1_000_000);
  } catch (error) {
    if (written) expect(String(error)).not.toContain(written);
  }
});

test.each([
  ["https://example.org/q?id=1#top", "https://example.org/q?id=1"],
  ["http://ada:secret@example.org/q", "http://example.org/q"],
  [`https://example.org/${"x".repeat(3000)}`, "https://example.org"],
  ["chrome://settings/", ""],
  ["file:///home/ada/q.html", ""],
  ["javascript:alert(1)", ""],
  ["", ""],
  [undefined, ""],
])("of the page %s is told %s", (url, told) => {
  expect(pageAddress(url)).toBe(told);
});
