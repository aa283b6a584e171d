/** What went wrong, in words; and which pages must not be sent. */

import { expect, test } from "vitest";
import { adviceOn, captureProblem, isPassing, unreadable } from "../src/shared/problems.ts";

test.each([
  ["https://example.org/", true, undefined],
  ["http://example.org/", false, undefined],
  ["file:///home/ada/q.pdf", true, undefined],
  ["chrome://settings/passwords", true, "not_capturable"],
  ["chrome-extension://abc/page.html", true, "not_capturable"],
  ["data:text/html,x", false, "not_capturable"],
  [undefined, true, "not_capturable"], // the browser keeps the address of its own pages to itself
  [undefined, false, "needs_gesture"],
])("%s, pressed: %s: %s", (url, pressed, code) => {
  expect(unreadable(url, pressed)?.code).toBe(code);
});

test.each([
  ["Either the '<all_urls>' or 'activeTab' permission is required.", "needs_gesture"],
  ["This request exceeds the MAX_CAPTURE_VISIBLE_TAB_CALLS_PER_SECOND quota.", "too_fast"],
  ["Failed to capture tab: unknown error", "not_capturable"],
])("Chrome's “%s” is %s", (message, code) => {
  expect(captureProblem(message)).toEqual({ code, message });
});

test("every error that the client tries again by itself is told to pass", () => {
  // Of @bonsai/client: see `RETRIED` there.
  const retried = ["overloaded", "rate_limited", "plugin_unavailable", "handler_timeout"];
  expect(retried.filter((code) => !isPassing(code))).toEqual([]);
  expect(isPassing("broken_image")).toBe(false);
});

test("what nobody foresaw is shown as the server said it, or by its code", () => {
  expect(adviceOn({ code: "new_code", message: "Out of tea." }).text).toBe("Out of tea.");
  expect(adviceOn({ code: "new_code" }).text).toContain("new_code");
});
