/** The life of one connection, with a scripted socket and a clock that is set: what a real network does too slowly. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Link } from "../src/link.ts";

class ScriptedSocket {
  static latest: ScriptedSocket;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  bufferedAmount = 0;
  closed = false;
  readonly sent: unknown[] = [];

  constructor(
    readonly url: string,
    readonly protocols: string,
  ) {
    ScriptedSocket.latest = this;
  }

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }

  close(): void {
    this.closed = true;
  }

  say(...frames: object[]): void {
    this.onmessage?.({ data: JSON.stringify(frames.length === 1 ? frames[0] : frames) });
  }
}

const handlers = { hello: vi.fn(() => '{"event":"user:connect"}'), frame: vi.fn(), end: vi.fn() };

beforeEach(() => {
  vi.useFakeTimers();
  for (const handler of Object.values(handlers)) handler.mockClear();
});

afterEach(() => {
  vi.useRealTimers();
});

function open(): [Link, ScriptedSocket] {
  const link = new Link(ScriptedSocket as unknown as typeof WebSocket, "ws://x/ws", handlers);
  const socket = ScriptedSocket.latest;
  socket.onopen?.();
  return [link, socket];
}

const pings = (socket: ScriptedSocket) => socket.sent.filter((frame) => (frame as { event: string }).event === "ping");

test("asks for the protocol, and says hello first", () => {
  const [, socket] = open();
  expect(socket.protocols).toBe("bonsai.v1");
  expect(socket.sent).toEqual([{ event: "user:connect" }]);
});

test("an attempt that does not open, or join, within ten seconds each has ended", () => {
  new Link(ScriptedSocket as unknown as typeof WebSocket, "ws://x/ws", handlers);
  vi.advanceTimersByTime(10_000);
  expect(handlers.end).toHaveBeenCalledWith(1006, "no connection within 10000 ms", undefined);
  handlers.end.mockClear();
  const [, socket] = open();
  vi.advanceTimersByTime(9999);
  expect(handlers.end).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(handlers.end).toHaveBeenCalledWith(1006, "no user:joined within 10000 ms", undefined);
  expect(socket.closed).toBe(true);
});

test("in silence a ping goes out every interval, so that traffic never rests longer", () => {
  const [link, socket] = open();
  link.watch(20_000, 5000);
  for (let ping = 1; ping <= 5; ping++) {
    vi.advanceTimersByTime(20_000);
    expect(pings(socket)).toHaveLength(ping);
    socket.say({ event: "pong" });
  }
  vi.advanceTimersByTime(15_000);
  socket.say({ event: "x:y" });
  vi.advanceTimersByTime(19_999);
  expect(pings(socket)).toHaveLength(5);
  vi.advanceTimersByTime(1);
  expect(pings(socket)).toHaveLength(6);
  expect(handlers.end).not.toHaveBeenCalled();
});

test("no answer to a ping within the timeout is the end", () => {
  const [link, socket] = open();
  link.watch(20_000, 5000);
  vi.advanceTimersByTime(24_999);
  expect(handlers.end).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(handlers.end).toHaveBeenCalledOnce();
  expect(socket.closed).toBe(true);
  vi.advanceTimersByTime(100_000);
  expect(handlers.end).toHaveBeenCalledOnce();
});

test("a large message on its way out is a sign of life", () => {
  const [link, socket] = open();
  link.watch(20_000, 5000);
  socket.bufferedAmount = 8_000_000;
  vi.advanceTimersByTime(20_000);
  for (let left = 7_000_000; left > 0; left -= 1_000_000) {
    socket.bufferedAmount = left;
    vi.advanceTimersByTime(5000);
  }
  expect(handlers.end).not.toHaveBeenCalled();
  vi.advanceTimersByTime(5000);
  expect(handlers.end).toHaveBeenCalledOnce();
});

test("after a sleep of the machine the connection is asked once more before it is given up", () => {
  const [link, socket] = open();
  link.watch(20_000, 5000);
  vi.advanceTimersByTime(20_000);
  vi.spyOn(performance, "now").mockReturnValue(3600_000);
  vi.advanceTimersByTime(5000);
  expect(pings(socket)).toHaveLength(2);
  expect(handlers.end).not.toHaveBeenCalled();
  vi.advanceTimersByTime(5000);
  expect(handlers.end).toHaveBeenCalledOnce();
});

test("probe asks at once, but not before the join", () => {
  const [link, socket] = open();
  link.probe();
  expect(pings(socket)).toHaveLength(0);
  link.watch(0, 5000);
  link.probe();
  expect(pings(socket)).toHaveLength(1);
  socket.say({ event: "pong" });
  vi.advanceTimersByTime(60_000);
  expect(handlers.end).not.toHaveBeenCalled();
  expect(pings(socket)).toHaveLength(1);
});

test("pings are answered; batches are taken apart; nothing is told after close", () => {
  const [link, socket] = open();
  handlers.frame.mockImplementationOnce(() => link.close());
  socket.say({ event: "ping" }, { event: "a:b" }, { event: "c:d" });
  expect(socket.sent.at(-1)).toEqual({ event: "pong", data: null });
  expect(handlers.frame).toHaveBeenCalledTimes(1);
  expect(socket.onclose).toBeNull();
});

test("what is no frame ends the connection as broken", () => {
  const [, socket] = open();
  socket.onmessage?.({ data: "{" });
  expect(handlers.end).toHaveBeenCalledWith(1006, expect.any(String), true);
});
