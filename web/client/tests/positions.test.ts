/** Offsets and epochs: duplicates, gaps, what to resume from. */

import { expect, test } from "vitest";
import { Positions } from "../src/positions.ts";

const at = (epoch: string, offset: number, recovered = false) => ({ epoch, offset, recovered });

function joined(): Positions {
  const positions = new Positions();
  positions.joined({ r: at("e1", 5) });
  return positions;
}

test("messages come in order: older ones are duplicates, later ones show a gap", () => {
  const positions = joined();
  expect([5, 6, 6, 7, 9, 8].map((offset) => positions.decide("r", offset))).toEqual([
    "duplicate",
    "deliver",
    "duplicate",
    "deliver",
    "gap",
    "deliver",
  ]);
  expect(positions.offer()).toEqual({ r: { epoch: "e1", offset: 8 } });
});

test("a recovered room goes on where we were, for its missed messages follow", () => {
  const positions = joined();
  positions.offer();
  positions.joined({ r: at("e1", 9, true) });
  expect([6, 7, 8, 9].map((offset) => positions.decide("r", offset))).toEqual(Array(4).fill("deliver"));
});

test("any other goes on where the server says, also with an older offset", () => {
  const positions = joined();
  positions.offer();
  positions.joined({ r: at("e2", 2, false), s: at("e3", 0, true) });
  expect(positions.offer()).toEqual({ r: { epoch: "e2", offset: 2 }, s: { epoch: "e3", offset: 0 } });
  expect(positions.decide("r", 3)).toBe("deliver");
});

test("a log that has begun anew shows as a gap", () => {
  expect(joined().decide("r", 6, "e2")).toBe("gap");
});

test("a room that is joined or left since", () => {
  const positions = joined();
  positions.enter("class", "e9", 3);
  expect(positions.decide("class", 4)).toBe("deliver");
  positions.leave("r");
  expect(positions.offer()).toEqual({ class: { epoch: "e9", offset: 4 } });
  expect(positions.decide("unknown", 8)).toBe("deliver");
  expect(positions.decide("unknown", 10)).toBe("gap");
});

test("after three broken connections without a message further, positions are given up for a snapshot", () => {
  const positions = joined();
  positions.broke();
  positions.broke();
  expect(positions.decide("r", 6)).toBe("deliver");
  positions.broke();
  positions.broke();
  expect(positions.offer()).toEqual({ r: { epoch: "e1", offset: 6 } });
  positions.broke();
  expect(positions.offer()).toEqual({ r: { epoch: "", offset: 6 } });
  positions.joined({ r: at("", 40, true) });
  expect(positions.decide("r", 41)).toBe("deliver");
});

test("no more rooms are offered than the first frame may hold", () => {
  const positions = new Positions();
  positions.joined(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`r${n}`, at("e", n)])));
  expect(Object.keys(positions.offer())).toHaveLength(64);
  expect(Object.keys(positions.offer(3))).toEqual(["r0", "r1", "r2"]);
});
