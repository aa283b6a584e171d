/** What is refused when a client is made, and what addresses mean. */

import { createWebSocketClient } from "@bonsai/client";
import { describe, expect, test } from "vitest";
import { socketAddress } from "../src/config.ts";
import { bytesOf, decode, encodeBinary, encodeFrame } from "../src/frames.ts";

test.each([
  ["ws://host:3001", "ws://host:3001/ws"],
  ["https://host/", "wss://host/ws"],
  ["http://host/live?x=1#y", "ws://host/live?x=1"],
  ["/ws", "ws://localhost/ws"],
])("%s means %s", (given, address) => {
  expect(socketAddress(given)).toBe(address);
});

test.each([
  [{ url: "ftp://host" }, TypeError],
  [{ url: "ws://host:x" }, TypeError],
  [{ url: "ws://host/?token=abc" }, TypeError],
  [{ url: "ws://ada:secret@host/" }, TypeError],
  [{ reconnect: { delay: 0 } }, RangeError],
  [{ reconnect: { delay: 10, maxDelay: 5 } }, RangeError],
  [{ reconnect: { attempts: -1 } }, RangeError],
  [{ heartbeat: { interval: -1 } }, RangeError],
  [{ heartbeat: { timeout: 0 } }, RangeError],
  [{ rateLimit: { maxRequests: -1, windowMs: 1 } }, RangeError],
  [{ rateLimit: { maxRequests: 1, windowMs: 0 } }, RangeError],
  [{ queue: { maxMessages: 0 } }, RangeError],
  [{ queue: { maxBytes: 0 } }, RangeError],
])("%j is refused", (config, kind) => {
  expect(() => createWebSocketClient({ url: "ws://host", ...config })).toThrowError(kind);
});

test("a secret in the address is not repeated in the error", () => {
  expect(() => createWebSocketClient({ url: "ws://host/?token=abc" })).toThrowError(/^(?!.*abc)/);
});

describe("frames", () => {
  test("binary ones have the length of their header before it", () => {
    const bytes = encodeBinary(encodeFrame("e:é", "{}", 7), new Uint8Array([1, 2, 3]));
    const [[frame], attachment] = decode(bytes.buffer);
    expect(frame).toEqual({ event: "e:é", id: 7, data: {} });
    expect([...(attachment ?? [])]).toEqual([1, 2, 3]);
  });

  test.each([[new ArrayBuffer(3)], [Uint8Array.of(0, 0, 0, 9, 123).buffer], ["[1"]])("%o is none", (message) => {
    expect(() => decode(message)).toThrowError();
  });

  test("a picture as text must be a data: URL in base64", async () => {
    expect([...(await bytesOf("data:image/png;base64,AQID"))]).toEqual([1, 2, 3]);
    await expect(bytesOf("data:image/svg+xml,<svg/>")).rejects.toThrowError(TypeError);
  });
});
