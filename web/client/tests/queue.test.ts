/** The queue on its own: ids, order, bounds, retries. */

import { describe, expect, test } from "vitest";
import { type Kept, type Pending, Queue } from "../src/queue.ts";

function opened(bounds = {}, start = {}): Queue {
  const queue = new Queue({ maxMessages: 5000, maxBytes: 1 << 20, ...bounds });
  queue.open({ nextId: 1, reserved: Infinity, kept: [], ...start });
  return queue;
}

function add(queue: Queue, priority = "normal"): Pending {
  return queue.add("e", priority, "{}");
}

/** Sends what may be sent; returns the ids. */
function drain(queue: Queue, now = 0): number[] {
  const ids: number[] = [];
  for (let pending = queue.next(now); pending; pending = queue.next(now)) {
    queue.sent(pending);
    ids.push(pending.id);
  }
  return ids;
}

test("high leaves before normal, normal before low, and each in the order of ids", () => {
  const queue = opened();
  for (const priority of ["low", "normal", "high", "low", "high", "normal"]) add(queue, priority);
  expect(drain(queue)).toEqual([3, 5, 2, 6, 1, 4]);
});

test("at most a hundred messages are in flight", () => {
  const queue = opened();
  const all = Array.from({ length: 150 }, () => add(queue));
  expect(drain(queue)).toHaveLength(100);
  queue.done(all[0] as Pending);
  expect(drain(queue)).toEqual([101]);
});

test("a lost connection makes everything ready again, oldest first, and drops what was only for it", () => {
  const queue = opened();
  add(queue);
  const passing = queue.add("auth:refresh", "high", "{}", undefined, true);
  add(queue);
  expect(drain(queue)).toEqual([2, 1, 3]);
  expect(queue.disconnected()).toEqual([passing]);
  expect(drain(queue)).toEqual([1, 3]);
  expect(queue.length).toBe(2);
});

test("a message refused for now waits, and others go on", () => {
  const queue = opened();
  const [first] = [add(queue), add(queue)] as const;
  drain(queue);
  queue.delay(first, 100);
  expect(queue.due(50)).toBe(100);
  expect(drain(queue, 99)).toEqual([]);
  expect(drain(queue, 100)).toEqual([1]);
  expect(queue.due(100)).toBe(Infinity);
});

describe("the server's window of ids", () => {
  test("nothing newer than the oldest by more than the span is sent", () => {
    const queue = opened();
    queue.span = 10;
    const oldest = add(queue, "low");
    for (let message = 0; message < 20; message++) add(queue, "high");
    expect(drain(queue)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1]);
    queue.done(oldest);
    expect(drain(queue)).toEqual([12]);
  });

  test("one that is refused for ever while others wait behind it is the one to give up", () => {
    const queue = opened();
    queue.span = 2;
    const oldest = add(queue);
    const rest = Array.from({ length: 3 }, () => add(queue));
    expect(drain(queue)).toEqual([1, 2, 3]);
    expect(queue.blocker()).toBeUndefined();
    for (const pending of rest.slice(0, 2)) queue.done(pending);
    queue.delay(oldest, 1000);
    expect(queue.blocker()).toBe(oldest);
    queue.done(oldest);
    expect(queue.blocker()).toBeUndefined();
    expect(drain(queue)).toEqual([4]);
  });
});

describe("bounds", () => {
  test("of messages", () => {
    const queue = opened({ maxMessages: 2 });
    const first = add(queue);
    add(queue);
    expect(() => add(queue)).toThrowError(expect.objectContaining({ code: "queue_full", event: "e" }));
    queue.done(first);
    expect(add(queue).id).toBe(3);
  });

  test("of bytes, attachments included, also before ids are known", () => {
    const queue = new Queue({ maxMessages: 10, maxBytes: 100 });
    const early = queue.add("e", "normal", '"é"', new Uint8Array(90));
    expect(early.size).toBe(94);
    expect(() => queue.add("e", "normal", "1234567")).toThrowError(/bytes/);
    queue.open({ nextId: 1, reserved: Infinity, kept: [] });
    expect(() => queue.add("e", "normal", "1234567")).toThrowError(/bytes/);
    queue.done(early);
    queue.add("e", "normal", "1234567");
    expect(queue.length).toBe(1);
  });
});

describe("what is kept", () => {
  const kept: Kept[] = [3, 7].map((id) => ({ id, event: "e", rank: 1, json: "{}", attachment: undefined }));

  test("is sent first, under its ids; new ids come after", () => {
    const queue = new Queue({ maxMessages: 10, maxBytes: 100 });
    add(queue, "high");
    expect(drain(queue)).toEqual([]);
    queue.open({ nextId: 201, reserved: 400, kept });
    expect(queue.length).toBe(3);
    expect(drain(queue)).toEqual([201, 3, 7]);
  });

  test("an id is sent only once it is reserved", () => {
    const queue = opened({}, { reserved: 2 });
    for (let message = 0; message < 3; message++) add(queue);
    expect(drain(queue)).toEqual([1, 2]);
    queue.reserved = 3;
    expect(drain(queue)).toEqual([3]);
  });

  test("the keeper is told of every message but those for one connection, and of every answer", () => {
    const calls: string[] = [];
    const queue = new Queue({ maxMessages: 10, maxBytes: 100 });
    const keeper = {
      add: (message: Kept) => calls.push(`add ${message.id}`),
      remove: (id: number) => calls.push(`remove ${id}`),
      reserve: (id: number) => calls.push(`reserve ${id}`),
    };
    const early = add(queue);
    queue.open({ nextId: 5, reserved: Infinity, kept: [] }, keeper);
    const passing = queue.add("auth:refresh", "high", "{}", undefined, true);
    queue.done(early);
    queue.done(early);
    queue.done(passing);
    expect(calls).toEqual(["reserve 5", "add 5", "reserve 6", "remove 5"]);
  });
});

test("a thousand messages are handed out one after another", () => {
  const queue = opened();
  const all = Array.from({ length: 1000 }, () => add(queue));
  let handed = 0;
  for (const pending of all) {
    handed += drain(queue).length;
    queue.done(pending);
  }
  expect(handed).toBe(1000);
});
