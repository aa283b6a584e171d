/** What all tests share: the server, users of their own, waiting. */

import { inject, vi } from "vitest";
import { Endpoint } from "./endpoint.ts";

let users = 0;

/** A user that no other test has. */
export function newUser(): string {
  return `user-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}-${++users}`;
}

/** The server of all tests that need none of their own. */
export function sharedServer(): Endpoint {
  return new Endpoint(inject("port"));
}

/** Waits until a check passes: it throws, or returns false, until then. */
export function until<T>(check: () => T, timeout = 60_000): Promise<T> {
  return vi.waitFor(
    () => {
      const value = check();
      if (value === false) throw new Error(`not yet: ${check}`);
      return value;
    },
    { timeout, interval: 5 },
  );
}
