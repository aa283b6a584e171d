/** The session's shared state: merge patches, and two windows on a real server. */

import { expect, test } from "vitest";
import { newClient, newUser, sharedServer, until } from "../../testing/clients.ts";
import { merge } from "../src/shared/merge.ts";
import { sharedStateOf } from "../src/shared/state.ts";

test.each([
  [{ a: { b: 1, c: 2 } }, { a: { b: null, d: 3 } }, { a: { c: 2, d: 3 } }],
  [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
  [{ a: 1 }, { a: { b: { c: null } } }, { a: { b: {} } }],
  [{ a: 1 }, { b: null }, { a: 1 }],
])("%j patched with %j is %j (RFC 7396)", (target, patch, result) => {
  expect(merge(target as unknown, patch)).toEqual(result);
});

test("windows see each other's changes, and a new one sees them all", async () => {
  const [server, userId] = [sharedServer(), newUser()];
  const one = await newClient(server, { auth: { userId } });
  const two = await newClient(server, { auth: { userId } });
  const [first, second] = [sharedStateOf(one), sharedStateOf(two)];
  await Promise.all([one.connect(), two.connect()]);
  first.patch({ practice: { mode: "mock" } });
  expect(first.get().state).toEqual({ practice: { mode: "mock" } });
  await until(() => second.get().state.practice !== undefined);
  second.patch({ practice: { subject: "math" } });
  const both = { practice: { mode: "mock", subject: "math" } };
  await until(() => expect(first.get().state).toEqual(both));
  const three = await newClient(server, { auth: { userId } });
  const third = sharedStateOf(three);
  await three.connect();
  await until(() => expect(third.get()).toMatchObject({ state: both, known: true }));
});

test("of two windows that claim at once, one is first", async () => {
  const [server, userId] = [sharedServer(), newUser()];
  const one = await newClient(server, { auth: { userId } });
  const two = await newClient(server, { auth: { userId } });
  const [first, second] = [sharedStateOf(one), sharedStateOf(two)];
  await Promise.all([one.connect(), two.connect()]);
  await until(() => first.get().known && second.get().known);
  const claims = await Promise.all([first.claim({ by: "one" }), second.claim({ by: "two" })]);
  expect(claims.filter(Boolean)).toHaveLength(1);
  const winner = claims[0] ? "one" : "two";
  await until(() => expect([first.get().state.by, second.get().state.by]).toEqual([winner, winner]));
});

test("a change that is made offline is seen at once, and kept until it is confirmed", async () => {
  const [server, userId] = [sharedServer(), newUser()];
  const one = await newClient(server, { auth: { userId } });
  const state = sharedStateOf(one);
  await one.connect();
  one.disconnect();
  state.patch({ drafts: { q1: { answer: "A" } } });
  state.patch({ drafts: { q1: { answer: "B" } } });
  expect(state.get().state).toEqual({ drafts: { q1: { answer: "B" } } });
  await one.connect();
  await until(() => state.get().version === 2);
  expect(state.get().state).toEqual({ drafts: { q1: { answer: "B" } } });
});
