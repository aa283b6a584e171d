/** Messages and their answers, against a real server. */

import { BonsaiError } from "@bonsai/client";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { CountingSocket, newClient, newUser, sentFrames, sharedServer, until } from "../../testing/clients.ts";

const server = sharedServer();

beforeEach(() => {
  CountingSocket.sent = [];
});

test("a request resolves with the data of its ack", async () => {
  const client = await newClient(server);
  const joined = await client.connect();
  expect(joined.rooms).toHaveProperty(`session:${joined.sessionId}`);
  const graded = await client.request("analytics:performance", { questionId: "q1", correct: true, timeSpent: 30 });
  expect(graded).toEqual({ correct: true });
});

test("ids rise from 1", async () => {
  const client = await newClient(server);
  const ids = [client.request("probe:ids"), client.request("probe:ids"), client.request("probe:ids")];
  await client.connect();
  const answers = (await Promise.all(ids)) as { id: number; clientId: string }[];
  expect(answers.map((answer) => answer.id)).toEqual([1, 2, 3]);
  expect(answers[0]?.clientId).toBe(client.joined?.clientId);
});

test("messages of one tick leave in one frame", async () => {
  const client = await newClient(server);
  await client.connect();
  const before = CountingSocket.sent.length;
  const counts = await Promise.all(Array.from({ length: 50 }, () => client.request("probe:count", { key: "k" })));
  expect(counts.at(-1)).toEqual({ key: "k", count: 50 });
  expect(CountingSocket.sent.length - before).toBe(1);
});

test("a batch is no larger than a message may be", async () => {
  const client = await newClient(server);
  const { limits } = await client.connect();
  const before = CountingSocket.sent.length;
  const key = "é".repeat(4000);
  const counts = await Promise.all(Array.from({ length: 40 }, () => client.request("probe:count", { key })));
  expect(counts.at(-1)).toEqual({ key, count: 40 });
  const sizes = CountingSocket.sent.slice(before).map((message) => Buffer.byteLength(String(message)));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.maxMessageBytes);
  expect(sizes).toHaveLength(5); // of up to 64 KiB each
  expect(counts).toEqual(Array.from({ length: 40 }, (_, index) => ({ key, count: index + 1 })));
});

test("every device of a session gets a room's messages, with room and offset", async () => {
  const userId = newUser();
  const [phone, laptop] = [
    await newClient(server, { auth: { userId } }),
    await newClient(server, { auth: { userId } }),
  ];
  await Promise.all([phone.connect(), laptop.connect()]);
  const told = new Promise((resolve) => laptop.once("probe:counted", (data, message) => resolve([data, message])));
  phone.emit("probe:count", { key: "shared" });
  expect(await told).toEqual([
    { key: "shared", count: 1 },
    expect.objectContaining({ room: `session:session-of-${userId}`, offset: 1, ts: expect.any(Number) }),
  ]);
});

describe("a refusal", () => {
  test("rejects the request with the server's code and details", async () => {
    const client = await newClient(server);
    await client.connect();
    const refused = client.request("analytics:performance", { questionId: "", timeSpent: -1 });
    await expect(refused).rejects.toMatchObject({
      name: "BonsaiError",
      code: "invalid_payload",
      event: "analytics:performance",
      id: 1,
      details: expect.arrayContaining([expect.objectContaining({ loc: ["questionId"] })]),
    });
    await expect(client.request("nobody:knows")).rejects.toBeInstanceOf(BonsaiError);
    expect(client.state).toBe("joined");
  });

  test("of an emitted message reaches the listeners of error", async () => {
    const client = await newClient(server);
    const failed = new Promise<BonsaiError>((resolve) => client.once("error", resolve));
    client.emit("nobody:knows", {});
    await client.connect();
    expect(await failed).toMatchObject({ code: "unknown_event", event: "nobody:knows", id: 1 });
    await until(() => client.status.pending === 0);
  });

  test("for now is tried again under the same id until it is taken", async () => {
    const client = await newClient(server);
    await client.connect();
    for (const code of ["overloaded", "plugin_unavailable", "handler_timeout", "rate_limited"]) {
      const data = { key: newUser(), code, times: 2, retryAfterMs: 5 };
      expect(await client.request("probe:refuse", data)).toEqual({ refused: 2 });
    }
    const ids = sentFrames("probe:refuse").map((frame) => frame.id);
    expect(ids).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]);
  });

  test("for want of storage holds everything, so that ids leave in order", async () => {
    const client = await newClient(server);
    await client.connect();
    const data = { key: newUser(), code: "overloaded", times: 1, retryAfterMs: 100, reason: "storage" };
    const first = client.request("probe:refuse", data);
    await until(() => sentFrames("probe:refuse").length === 1);
    await client.request("session:state").catch(() => undefined); // sent before, or held: the next are held for sure
    const later = [client.request("probe:ids"), client.request("probe:ids")];
    await Promise.all([first, ...later]);
    const order = CountingSocket.sent.flatMap((message) => JSON.parse(String(message))).filter((frame) => frame.id);
    const resent = order.slice(order.findIndex((frame, index) => index > 0 && frame.id === 1));
    expect(resent.map((frame) => frame.id)).toEqual(resent.map((frame) => frame.id).sort((a, b) => a - b));
  });
});

test("a message larger than the server takes is refused here, and the connection lives", async () => {
  const client = await newClient(server);
  await client.connect();
  const large = client.request("probe:count", { key: "x".repeat(70_000) });
  await expect(large).rejects.toMatchObject({ code: "too_large" });
  await expect(client.request("probe:count", { key: "small" })).resolves.toEqual({ key: "small", count: 1 });
});

test("a request that is not answered in time says whether it was sent, and is not sent again", async () => {
  const client = await newClient(server);
  await expect(client.request("probe:count", { key: "late" }, { timeout: 20 })).rejects.toMatchObject({
    code: "timeout",
    sent: false,
  });
  await client.connect();
  const data = { key: newUser(), code: "overloaded", times: 1000, retryAfterMs: 5 };
  await expect(client.request("probe:refuse", data, { timeout: 100 })).rejects.toMatchObject({
    code: "timeout",
    sent: true,
  });
  await expect(client.request("probe:count", { key: "late" })).resolves.toEqual({ key: "late", count: 1 });
  expect(client.status.pending).toBe(0);
});

describe("offline", () => {
  test("messages queue up to the bound, and leave by priority", async () => {
    const client = await newClient(server, { queue: { maxMessages: 4 } });
    client.emit("probe:count", { key: "low" }, { priority: "low" });
    client.emit("probe:count", { key: "first" });
    client.emit("probe:count", { key: "second" });
    client.emit("probe:count", { key: "high" }, { priority: "high" });
    expect(() => client.emit("probe:count", { key: "more" })).toThrowError(
      expect.objectContaining({ code: "queue_full" }),
    );
    await until(() => client.status.pending === 4);
    const counted: unknown[] = [];
    client.on("probe:counted", (data) => counted.push((data as { key: string }).key));
    await client.connect();
    await until(() => counted.length === 4);
    expect(counted).toEqual(["high", "first", "second", "low"]);
  });

  test("bounds that are given as undefined are the usual ones", async () => {
    const client = await newClient(server, { queue: { maxMessages: undefined, maxBytes: undefined } as never });
    for (let message = 0; message < 1000; message++) client.emit("probe:count", { key: "k" });
    expect(() => client.emit("probe:count", { key: "k" })).toThrowError(/1000 messages/);
  });

  test("the queue is bounded in bytes, too", async () => {
    const client = await newClient(server, { queue: { maxBytes: 1000 } });
    client.emit("probe:count", { key: "x".repeat(900) });
    expect(() => client.emit("probe:count", { key: "x".repeat(100) })).toThrowError(/bytes/);
  });

  test("what is no JSON is refused at once", async () => {
    const client = await newClient(server);
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(() => client.emit("probe:count", circle)).toThrowError(TypeError);
    expect(() => client.emit("probe:count", () => 1)).toThrowError(TypeError);
    expect(client.status.pending).toBe(0);
  });
});

test("listeners: once, off, *, and one that fails", async () => {
  const reported = vi.spyOn(console, "error").mockReturnValue();
  const client = await newClient(server);
  const calls: string[] = [];
  const off = client.on("probe:counted", () => calls.push("off"));
  const removed = (): unknown => calls.push("removed");
  client.on("probe:counted", removed);
  client.off("probe:counted", removed);
  client.once("probe:counted", () => calls.push("once"));
  client.on("probe:counted", () => {
    throw new Error("expected by this test");
  });
  client.on("probe:counted", () => calls.push("on"));
  client.on("*", (_, message) => calls.push(`* ${message.event}`));
  off();
  await client.connect();
  await client.request("probe:count", { key: "a" });
  await client.request("probe:count", { key: "a" });
  await until(() => calls.filter((call) => call === "on").length === 2);
  expect(calls.filter((call) => !/^\* (user|session|analytics|coaching|recommendations)/.test(call))).toEqual([
    "once",
    "on",
    "* probe:counted",
    "on",
    "* probe:counted",
  ]);
  expect(reported).toHaveBeenCalledTimes(2);
});

test("after close nothing is taken, and what waits is told", async () => {
  const client = await newClient(server);
  const waiting = client.request("probe:count", { key: "a" });
  client.close();
  await expect(waiting).rejects.toMatchObject({ code: "closed" });
  await expect(client.connect()).rejects.toMatchObject({ code: "closed" });
  expect(() => client.emit("probe:count", { key: "a" })).toThrowError(/closed/);
});

test("a device has the id, kind and name that it was given, and keeps them", async () => {
  const device = { id: newUser(), kind: "mobile", name: "Ada's phone" };
  const client = await newClient(server, { device });
  for (let connection = 0; connection < 2; connection++) {
    const { deviceId, devices } = await client.connect();
    expect(deviceId).toBe(device.id);
    expect(devices).toEqual([expect.objectContaining({ deviceId, kind: "mobile", name: "Ada's phone" })]);
    client.disconnect();
  }
});

test("debug tells what goes to and fro by name and id, and nothing of what is in it", async () => {
  const lines: string[] = [];
  const auth = { userId: newUser() };
  const client = await newClient(server, { auth, debug: (line) => lines.push(line) });
  await client.connect();
  await client.request("probe:count", { key: "between us" });
  await until(() => lines.some((line) => line.includes("probe:counted")));
  const said = lines.join("\n");
  expect(said).toMatch(/^received user:joined$/m);
  expect(said).toMatch(/^sent user:connect$/m);
  expect(said).toMatch(/^sent probe:count#1$/m);
  expect(said).toMatch(/^received ack#1$/m);
  expect(said).toMatch(new RegExp(`^received probe:counted session:session-of-${auth.userId}@1$`, "m"));
  expect(said).not.toMatch(/between us|eyJ/);
});

test("debug: true tells the console", async () => {
  const debug = vi.spyOn(console, "debug").mockReturnValue();
  const client = await newClient(server, { debug: true });
  await client.connect();
  expect(debug).toHaveBeenCalledWith("received user:joined");
});

test("leaving is told to the other devices as leaving", async () => {
  const userId = newUser();
  const [phone, laptop] = [
    await newClient(server, { auth: { userId } }),
    await newClient(server, { auth: { userId } }),
  ];
  await Promise.all([phone.connect(), laptop.connect()]);
  const gone = new Promise((resolve) => laptop.once("user:disconnect", resolve));
  phone.disconnect({ leave: true });
  expect(await gone).toMatchObject({ userId, device: { kind: "web" } });
  expect(phone.state).toBe("idle");
});
