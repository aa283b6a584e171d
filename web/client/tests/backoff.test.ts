/** When to try again, by what a server says and by chance. */

import { describe, expect, test, vi } from "vitest";
import { Backoff, delayIn, judgeClose, Pacer, retryDelay } from "../src/backoff.ts";

describe("waits between attempts", () => {
  test("are drawn below a bound that doubles up to its maximum", () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const backoff = new Backoff({ delay: 100, maxDelay: 1000 });
    expect([1, 2, 3, 4, 5, 6].map(() => backoff.next())).toEqual([50, 100, 200, 400, 500, 500]);
  });

  test("are spread over everything below the bound", () => {
    const backoff = new Backoff({ delay: 1000, maxDelay: 1000 });
    const waits = Array.from({ length: 1000 }, () => backoff.next() as number);
    expect(Math.min(...waits)).toBeLessThan(50);
    expect(Math.max(...waits)).toBeGreaterThan(950);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1000);
  });

  test("add to the delay that the server asked for", () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    expect(new Backoff({ delay: 100 }).next(3000)).toBe(3050);
  });

  test("have an end when attempts have one, counted from the latest join", () => {
    const backoff = new Backoff({ attempts: 2 });
    expect([backoff.next(), backoff.next(), backoff.next()].map((wait) => wait === undefined)).toEqual([
      false,
      false,
      true,
    ]);
    backoff.tries = 0;
    expect(backoff.next()).toBeDefined();
    expect(new Backoff({ attempts: 0 }).next()).toBeUndefined();
  });
});

test("close codes mean what the protocol says", () => {
  const verdicts = { stop: "1000 1002 1003 1007 1008 1009 4001 4403", refresh: "4401" };
  for (const [verdict, codes] of Object.entries(verdicts)) {
    for (const code of codes.split(" ")) expect([code, judgeClose(Number(code))]).toEqual([code, verdict]);
  }
  for (const code of [1001, 1005, 1006, 1011, 1012, 1013, 4008, 4408, 4429, 4999]) {
    expect([code, judgeClose(code)]).toEqual([code, "reconnect"]);
  }
});

test.each([
  [1012, "restarting; reconnect in 850 ms", 850],
  [1013, "try again in 2 s", 2000],
  [4429, "flood; reconnect in 1200.5 ms", 1200.5],
  [4429, "wait 30", 30],
  [1012, "restarting", 0],
  [1012, "in 99999999 s", 300_000],
  [1011, "incident 4711", 0],
])("%i %s: a delay of %d ms", (code, reason, delay) => {
  expect(delayIn(code, reason)).toBe(delay);
});

test("a message refused for now waits as long as the server says, and a little more; else ever longer", () => {
  expect(retryDelay(0, 400)).toBeGreaterThanOrEqual(400);
  expect(retryDelay(0, 400)).toBeLessThanOrEqual(500);
  for (const [attempt, bound] of [
    [0, 200],
    [1, 400],
    [3, 1600],
    [20, 10_000],
  ] as const) {
    expect(retryDelay(attempt)).toBeGreaterThanOrEqual(bound / 2);
    expect(retryDelay(attempt)).toBeLessThanOrEqual(bound);
  }
});

describe("the pacer", () => {
  test("lets a burst through, then an even stream", () => {
    const pacer = new Pacer({ maxRequests: 2, windowMs: 1000 }, 0);
    pacer.spend(0);
    pacer.spend(0);
    expect(pacer.wait(0)).toBe(500);
    expect(pacer.wait(200)).toBe(300);
    expect(pacer.wait(500)).toBe(0);
    pacer.spend(500);
    expect(pacer.wait(500)).toBe(500);
    expect(pacer.wait(100_000)).toBe(0);
  });

  test("holds everything as long as it is told", () => {
    const pacer = new Pacer({ maxRequests: 0, windowMs: 1 }, 0);
    expect(pacer.wait(0)).toBe(0);
    expect(pacer.hold(100)).toBe(100);
    expect(pacer.hold(50)).toBe(100);
    expect(pacer.wait(40)).toBe(60);
    expect(pacer.wait(100)).toBe(0);
  });

  test("keeps what was used when the limit changes", () => {
    const pacer = new Pacer({ maxRequests: 10, windowMs: 1000 }, 0);
    for (let message = 0; message < 8; message++) pacer.spend(0);
    pacer.change({ maxRequests: 5, windowMs: 1000 }, 0);
    expect(pacer.wait(0)).toBe(200);
    pacer.change({ maxRequests: 20, windowMs: 1000 }, 0);
    expect(pacer.wait(0)).toBe(0);
  });
});
