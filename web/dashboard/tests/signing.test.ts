/** Links that bring somebody here, tokens, routes. */

import { expect, test } from "vitest";
import { hrefOf, routeOf } from "../src/router.ts";
import { claimsOf, invitationOf, joinFragment } from "../src/session/address.ts";

test("a route is no invitation, and the other way round", () => {
  expect(invitationOf("#/practice")).toBeUndefined();
  expect(invitationOf("")).toBeUndefined();
  expect(routeOf("#/progress")).toBe("progress");
  expect(routeOf("#token=abc")).toBe("practice");
  expect(routeOf(hrefOf("operations"))).toBe("operations");
});

test("a link to another device says the session, and in development the name", () => {
  const who = { userId: "Ada & Bo", sessionId: "s 1" };
  expect(invitationOf(joinFragment({ ...who, dev: true }))).toMatchObject({ as: "Ada & Bo", session: "s 1" });
  expect(invitationOf(joinFragment({ ...who, dev: false }))).toMatchObject({ as: undefined, session: "s 1" });
});

test("a token of the host application is taken from the address", () => {
  expect(invitationOf("#token=a.b.c&session=s1")).toMatchObject({ token: "a.b.c", session: "s1" });
});

test("what a token says of itself is read, and nonsense is no token", () => {
  const body = Buffer.from(JSON.stringify({ sub: "Zoë", exp: 2, roles: ["admin"] })).toString("base64url");
  expect(claimsOf(`x.${body}.y`)).toEqual({ sub: "Zoë", roles: ["admin"], sid: undefined, expiresAt: 2000 });
  expect(claimsOf("nonsense")).toBeUndefined();
  expect(claimsOf(`x.${Buffer.from("{}").toString("base64url")}.y`)).toBeUndefined();
});
