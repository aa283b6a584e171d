/** What the panel shows, message by message. */

import { expect, test } from "vitest";
import {
  captured,
  emptyState,
  hintRefused,
  isQuestion,
  MAX_ACTIVITY,
  MAX_SHOTS,
  refused,
  type State,
  settled,
  syncOf,
  take,
} from "../src/shared/state.ts";

const self = { extensionId: "ext-1", deviceId: "ext-1" };
const URL = "https://example.org/q/1";
const analysis = { text: "If 2x = 8, what is x?", stem: "what is x?", section: "Math", skill: "Linear equations" };

/** The state after messages. */
function after(state: State, ...messages: [event: string, data: object][]): State {
  return messages.reduce((now, [event, data]) => take(now, event, data, self, 1000), state);
}

const shot = captured(emptyState(), "q1", URL, 500);
const progress = (stage: string, fraction: number, text?: string): [string, object] => [
  "question:progress",
  { questionId: "q1", stage, fraction, extensionId: "ext-1", ...(text && { partial: { text } }) },
];
const analyzed = (more: object = {}): [string, object] => [
  "question:analyzed",
  { questionId: "q1", analysis, timings: {}, timestamp: 900, extensionId: "ext-1", ...more },
];
const hint = (rung: number, more: object = {}): [string, object] => [
  "coaching:hint",
  { questionId: "q1", rung, rungs: 4, text: `hint ${rung}`, last: rung === 4, kind: "step", nextInMs: 10_000, ...more },
];

test("a picture goes from waiting over reading to done, and its text grows", () => {
  expect(shot.shots[0]).toMatchObject({ phase: "waiting", own: true, url: URL });
  const reading = after(
    shot,
    progress("received", 0),
    progress("ocr", 0.3, "If 2x"),
    progress("ocr", 0.5, "If 2x = 8,"),
  );
  expect(reading.shots[0]).toMatchObject({ phase: "reading", stage: "ocr", fraction: 0.5, text: "If 2x = 8," });
  const done = after(reading, analyzed());
  expect(done.shots[0]).toMatchObject({ phase: "done", fraction: 1, text: "", analysis });
  expect(done.activity).toEqual([]);
});

test("progress that comes late changes nothing, and a new attempt begins anew", () => {
  const done = after(shot, analyzed());
  expect(after(done, progress("ocr", 0.3)).shots).toEqual(done.shots);
  const reading = after(shot, progress("ocr", 0.5, "If 2x"));
  expect(after(reading, progress("locate", 0.06)).shots).toEqual(reading.shots);
  expect(after(reading, progress("received", 0)).shots[0]).toMatchObject({ fraction: 0, text: "" });
});

test("every message taken twice changes nothing more", () => {
  const messages: [string, object][] = [
    progress("ocr", 0.4, "x"),
    analyzed({ extensionId: "another" }),
    hint(1),
    ["coaching:message", { id: "m", message: "Well done", createdAt: 5, sender: "coach" }],
    ["extension:state", { extensionId: "ext-2", state: { status: "active", isActive: true, currentUrl: URL } }],
    ["analytics:update", { currentSession: { questionsAnswered: 3, correctAnswers: 2, streakCount: 1 } }],
    ["user:joined", { devices: [{ deviceId: "d", kind: "web", name: "" }] }],
  ];
  for (const message of messages) {
    const once = after(shot, message);
    expect(after(once, message), message[0]).toEqual(once);
  }
});

test("what is no question is said to be none", () => {
  const state = after(shot, analyzed({ analysis: { text: "News", section: "unknown" } }));
  expect(state.shots[0]).toMatchObject({ phase: "done", problem: { code: "not_a_question" } });
  expect(state.shots.map(isQuestion)).toEqual([false]);
  expect(syncOf(state).detectedQuestions).toEqual([]);
});

test("an overloaded server makes a picture wait; any other refusal is the end of it", () => {
  const error = (code: string): [string, object] => ["question:error", { questionId: "q1", code, message: "m" }];
  const busy = after(shot, progress("received", 0), error("overloaded"));
  expect(busy.shots[0]).toMatchObject({ phase: "waiting", problem: { code: "overloaded" } });
  expect(after(busy, progress("ocr", 0.3)).shots[0]?.problem).toBeUndefined();
  const broken = after(shot, error("broken_image"));
  expect(broken.shots[0]).toMatchObject({ phase: "failed", problem: { code: "broken_image" } });
  expect(after(shot, analyzed(), error("timeout")).shots[0]?.phase).toBe("done");
  expect(refused(shot, "q1", { code: "queue_full" }).shots[0]).toMatchObject({ phase: "failed" });
});

test("when nothing waits any more, a picture without a result is told to be interrupted", () => {
  expect(settled(shot).shots[0]).toMatchObject({ phase: "failed", problem: { code: "interrupted" } });
  const done = after(shot, analyzed());
  expect(settled(done)).toBe(done);
  const late = after(settled(shot), analyzed());
  expect(late.shots[0]).toMatchObject({ phase: "done" });
  expect(late.shots[0]?.problem).toBeUndefined();
});

test("hints stand in the order of their rungs, and say when the next one opens", () => {
  const state = after(shot, analyzed(), hint(2), hint(1), hint(1, { kind: "misconception", text: "!" }));
  expect(state.shots[0]?.hints.map(({ rung, kind }) => `${rung} ${kind}`)).toEqual([
    "1 step",
    "1 misconception",
    "2 step",
  ]);
  expect(state.shots[0]).toMatchObject({ rungs: 4, nextHintAt: 11_000 });
  const soon = hintRefused(state, "q1", { code: "too_soon" }, 5000);
  expect(soon.shots[0]?.nextHintAt).toBe(5000);
  expect(soon.shots[0]?.hintProblem).toBeUndefined();
  const none = hintRefused(state, "q1", { code: "unknown_question" }, 0);
  expect(none.shots[0]?.hintProblem).toEqual({ code: "unknown_question" });
  expect(after(none, hint(3)).shots[0]?.hintProblem).toBeUndefined();
});

test("the same picture again goes to the top, is read anew, and keeps its hints", () => {
  const two = captured(after(shot, analyzed(), hint(1)), "q2", URL, 600);
  const again = captured({ ...two, problem: { code: "too_fast" } }, "q1", URL, 700);
  expect(again.shots.map(({ questionId }) => questionId)).toEqual(["q1", "q2"]);
  expect(again.shots[0]).toMatchObject({ phase: "waiting", at: 700, rungs: 4 });
  expect(again.shots[0]?.hints).toHaveLength(1);
  expect(again.problem).toBeUndefined();
});

test("what other devices read shows, too, and is told once", () => {
  const other = { questionId: "q7", extensionId: undefined };
  const state = after(shot, ["question:progress", { ...other, stage: "ocr", fraction: 0.2 }], analyzed(other));
  expect(state.shots.map(({ questionId, own }) => [questionId, own])).toEqual([
    ["q7", false],
    ["q1", true],
  ]);
  expect(state.activity.map(({ text }) => text)).toEqual(["Another device read a question (Linear equations)."]);
  expect(syncOf(state).detectedQuestions).toEqual([]);
});

test("a result of ours that we do not remember is ours all the same", () => {
  expect(after(emptyState(), analyzed()).shots[0]).toMatchObject({ own: true, phase: "done" });
});

test("devices and extensions come and go; our own are not shown", () => {
  const device = (deviceId: string, name = ""): object => ({ deviceId, kind: "mobile", name, clientId: "c" });
  let state = after(emptyState(), ["user:joined", { devices: [device("ext-1"), device("d1", "Phone")] }]);
  expect(state.devices).toEqual([{ deviceId: "d1", kind: "mobile", name: "Phone" }]);
  state = after(state, ["user:connect", { device: device("ext-1") }], ["user:connect", { device: device("d2") }]);
  state = after(state, ["user:disconnect", { device: device("d1", "Phone") }]);
  expect(state.devices.map(({ deviceId }) => deviceId)).toEqual(["d2"]);
  expect(state.activity.map(({ text }) => text)).toEqual(["Phone left.", "A phone joined."]);

  const how = (extensionId: string, status: string): [string, object] => [
    "extension:state",
    { extensionId, state: { status, isActive: status === "active", currentUrl: "" } },
  ];
  state = after(state, how("ext-1", "active"), how("ext-2", "active"));
  expect(Object.keys(state.extensions)).toEqual(["ext-2"]);
  expect(after(state, how("ext-2", "gone")).extensions).toEqual({});
});

test("an answer that the coach still writes, and what the student wrote, are no news", () => {
  const said = (more: object): [string, object] => [
    "coaching:message",
    { id: "m", message: "Try x = 2", createdAt: 5, sender: "coach", ...more },
  ];
  const state = after(
    emptyState(),
    said({ part: 1 }),
    said({ sender: "student" }),
    said({}),
    said({ sender: "tutor" }),
  );
  expect(state.activity.map(({ text }) => text)).toEqual(["Your tutor: Try x = 2", "Your coach: Try x = 2"]);
});

test("what is kept is bounded", () => {
  let state = emptyState();
  for (let n = 0; n < 40; n++) {
    state = captured(state, `own-${n}`, URL, n);
    state = after(state, ["coaching:message", { id: `${n}`, message: `m${n}`, createdAt: n }]);
    state = after(state, ["question:progress", { questionId: `other-${n}`, stage: "ocr", fraction: 0.1 }]);
  }
  expect([state.shots.length, state.activity.length]).toEqual([MAX_SHOTS, MAX_ACTIVITY]);
});

test("what is told to other devices: the page, and the questions that were read on it", () => {
  const state = after(captured(shot, "q2", "https://example.org/q/2", 600), analyzed());
  expect(syncOf(state)).toEqual({ isActive: true, currentUrl: "https://example.org/q/2", detectedQuestions: [] });
  expect(syncOf({ ...state, page: URL }).detectedQuestions).toEqual([{ id: "q1", skill: "Linear equations" }]);
  expect(syncOf({ ...state, page: "", active: false })).toEqual({
    isActive: false,
    currentUrl: "",
    detectedQuestions: [],
  });
});

test("messages of other kinds change nothing", () => {
  expect(after(shot, ["session:state", { state: {} }], ["toString", {}])).toBe(shot);
});
