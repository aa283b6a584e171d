/** Saving what changes often. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Saver } from "../src/worker/saver.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("many changes are one save, of the last of them", async () => {
  let value = 0;
  const saved: number[] = [];
  const saver = new Saver(async () => void saved.push(value));
  for (value = 1; value < 5; value++) saver.soon();
  await vi.advanceTimersByTimeAsync(100);
  expect(saved).toEqual([5]);
});

test("saves follow one another, and one that fails does not keep the next from it", async () => {
  const log: string[] = [];
  let turn = 0;
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const saver = new Saver(async () => {
    const mine = ++turn;
    log.push(`begin ${mine}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (mine === 1) throw new Error("no room");
    log.push(`end ${mine}`);
  });
  void saver.now();
  void saver.now();
  await vi.advanceTimersByTimeAsync(50);
  expect(log).toEqual(["begin 1", "begin 2", "end 2"]);
});
