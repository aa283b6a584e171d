/** What a good server does not do, or seldom: gaps, delays, many rooms. A scripted one does. */

import { createWebSocketClient, type WebSocketClient } from "@bonsai/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket as NodeWebSocket, WebSocketServer } from "ws";
import { until } from "../../testing/shared.ts";

interface Hello {
  clientId: string;
  resume: Record<string, { epoch: string; offset: number }>;
}

let server: WebSocketServer;
let client: WebSocketClient;
/** What each connection began with, and how many bytes that was. */
let hellos: Hello[];
let sizes: number[];
/** Told of each connection once it has said hello. */
let onHello: (socket: NodeWebSocket, hello: Hello) => void;

const position = (offset: number, recovered = false) => ({ epoch: "e1", offset, recovered });
const say = (socket: NodeWebSocket, event: string, data: unknown, more = {}): void =>
  socket.send(JSON.stringify({ event, data, ts: 1, ...more }));

function welcome(socket: NodeWebSocket, rooms: Record<string, object> = { r: position(0) }): void {
  say(socket, "user:joined", {
    userId: "ada",
    sessionId: "s1",
    clientId: "c",
    deviceId: "d",
    devices: [],
    rooms,
    heartbeat: { intervalMs: 30_000, timeoutMs: 5000 },
    limits: { maxMessageBytes: 65_536, maxRequests: 0, windowMs: 60_000 },
    serverTime: Date.now(),
    tokenExpiresAt: Date.now() + 3600_000,
  });
}

beforeEach(async () => {
  hellos = [];
  sizes = [];
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (socket) => {
    socket.once("message", (message) => {
      const { data } = JSON.parse(String(message));
      hellos.push(data);
      sizes.push(Buffer.byteLength(String(message)));
      onHello(socket, data);
    });
  });
  await new Promise((resolve) => server.once("listening", resolve));
  client = createWebSocketClient({
    url: `ws://127.0.0.1:${(server.address() as { port: number }).port}`,
    reconnect: { delay: 1, maxDelay: 1 },
    WebSocket: NodeWebSocket as unknown as typeof WebSocket,
  });
  client.on("error", () => undefined);
});

afterEach(async () => {
  client.close();
  for (const socket of server.clients) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

test("a gap is never skipped: the client joins again from before it", async () => {
  const offsets: unknown[] = [];
  client.on("x:y", (_, { offset }) => offsets.push(offset));
  onHello = (socket, { resume }) => {
    welcome(socket, { r: position(3, Boolean(resume.r)) });
    const missed = resume.r ? [2, 3] : [];
    if (!resume.r) welcome(socket); // said twice: the second is a message like any other
    for (const offset of resume.r ? [...missed, 4] : [4, 6]) say(socket, "x:y", {}, { room: "r", offset });
  };
  await client.connect();
  await until(() => hellos.length === 2);
  expect(hellos[1]?.resume).toEqual({ r: { epoch: "e1", offset: 4 } });
  expect(offsets).toEqual([4]);
  expect(hellos[1]?.clientId).toBe(hellos[0]?.clientId);
});

test("when joining again shows the same gap thrice, a full snapshot is asked for instead", async () => {
  onHello = (socket, { resume }) => {
    const known = resume.r?.epoch === "e1";
    welcome(socket, { r: position(0, known) });
    say(socket, "x:y", {}, { room: "r", offset: resume.r && !known ? 1 : 5 });
  };
  await client.connect();
  await until(() => hellos.length === 4);
  expect(hellos.map(({ resume }) => resume.r?.epoch)).toEqual([undefined, "e1", "e1", ""]);
  await until(() => client.state === "joined");
});

test("duplicates are dropped by their offset", async () => {
  const offsets: unknown[] = [];
  client.on("x:y", (_, { offset }) => offsets.push(offset));
  onHello = (socket) => {
    welcome(socket);
    for (const offset of [1, 1, 2, 1, 2, 3]) say(socket, "x:y", {}, { room: "r", offset });
    say(socket, "x:y", {}, { room: "r" }); // not logged: nothing can be said about it
  };
  await client.connect();
  await until(() => offsets.length === 4);
  expect(offsets).toEqual([1, 2, 3, undefined]);
});

test("the first frame stays below 8 KiB, whatever the number of rooms", async () => {
  const rooms = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`${n} ${"x".repeat(200)}`, position(n)]));
  onHello = (socket) => {
    welcome(socket, rooms);
    if (hellos.length === 1) setTimeout(() => socket.terminate(), 5);
  };
  await client.connect();
  await until(() => hellos.length === 2);
  expect(sizes[1]).toBeLessThanOrEqual(8192);
  expect(Object.keys(hellos[1]?.resume ?? {})).toHaveLength(32);
});

test("rooms of plugins are resumed until they are left", async () => {
  onHello = (socket) => {
    welcome(socket);
    say(socket, "room:joined", { room: "class", epoch: "e7", offset: 5 });
    say(socket, "room:joined", { room: "other", epoch: "e8", offset: 1 });
    say(socket, "x:y", {}, { room: "class", offset: 6 });
    say(socket, "room:left", { room: "other" });
    if (hellos.length === 1) setTimeout(() => socket.terminate(), 20);
  };
  await client.connect();
  await until(() => hellos.length === 2);
  expect(hellos[1]?.resume).toEqual({ r: { epoch: "e1", offset: 0 }, class: { epoch: "e7", offset: 6 } });
});

test("a server that understands nothing of the first frame is not asked again", async () => {
  onHello = (socket) => say(socket, "error", { code: "invalid_payload", message: "no such thing" });
  await expect(client.connect()).rejects.toMatchObject({ code: "refused", message: /no such thing/ });
  expect(hellos).toHaveLength(1);
});

test("what is no frame ends the connection, and another is made", async () => {
  onHello = (socket) => {
    welcome(socket);
    if (hellos.length === 1) socket.send("no frame");
  };
  await client.connect();
  await until(() => hellos.length === 2 && client.state === "joined");
});

describe("the delay that a server asks for", () => {
  const world = new EventTarget();

  beforeEach(() => {
    globalThis.addEventListener = world.addEventListener.bind(world) as typeof addEventListener;
    globalThis.removeEventListener = world.removeEventListener.bind(world) as typeof removeEventListener;
  });

  afterEach(() => {
    client.close();
    Reflect.deleteProperty(globalThis, "addEventListener");
    Reflect.deleteProperty(globalThis, "removeEventListener");
  });

  test.each([
    [1012, "restarting; reconnect in 3600000 ms", 1],
    [1013, "try later", 2],
  ])("%i %s: an `online` event makes %d connections in all", async (code, reason, connections) => {
    onHello = (socket) => {
      welcome(socket);
      if (hellos.length === 1) socket.close(code, reason);
    };
    const waiting = new Promise((resolve) => client.once("error", resolve));
    await client.connect();
    await waiting;
    world.dispatchEvent(new Event("online"));
    if (connections > 1) await until(() => hellos.length === connections);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(hellos).toHaveLength(connections);
  });
});
