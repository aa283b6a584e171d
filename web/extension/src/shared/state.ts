/**
 * What the panel shows: built from the server's messages, one by one, as plain data that is kept. Pure.
 *
 * Every function returns a new state, and taking the same message twice changes nothing more.
 */

import type { Payloads } from "@bonsai/client";
import { isPassing, type Problem } from "./problems.ts";

/** Questions that are kept, and what other devices did. */
export const MAX_SHOTS = 8;
export const MAX_ACTIVITY = 20;

/** A hint as it was given. */
export type Hint = Pick<Payloads.CoachingHint, "rung" | "rungs" | "text" | "last" | "kind">;

/** One picture of a page, or a question that another device sent, and all that came of it. Times are ms since the epoch. */
export interface Shot {
  questionId: string;
  /** Ours; else it is of another device of the session. */
  own: boolean;
  url: string;
  at: number;
  /** `waiting`: to be sent, or sent and nothing heard yet. */
  phase: "waiting" | "reading" | "done" | "failed";
  stage: string;
  fraction: number;
  /** What was read so far. */
  text: string;
  analysis?: Payloads.VisionQuestionAnalysis;
  problem?: Problem;
  hints: Hint[];
  /** How many hints there are, and from when on the next may be asked for. */
  rungs: number;
  nextHintAt: number;
  hintProblem?: Problem;
}

/** Something that another device did. */
export interface Activity {
  at: number;
  text: string;
}

/** Another device of the session. */
export interface Device {
  deviceId: string;
  kind: string;
  name: string;
}

/** All that is kept. */
export interface State {
  /** The student has it switched on. */
  active: boolean;
  /** The page that the student has shown it; "" is none. */
  page: string;
  /** Newest first. */
  shots: Shot[];
  devices: Device[];
  /** Other extensions of the student, by id. */
  extensions: Record<string, Payloads.ExtensionState>;
  /** Newest first. */
  activity: Activity[];
  practice?: Payloads.AnalyticsCurrentSession;
  /** What went wrong last, until something works. */
  problem?: Problem;
}

/** Who we are. */
export interface Self {
  extensionId: string;
  deviceId: string;
}

export function emptyState(active = true): State {
  return { active, page: "", shots: [], devices: [], extensions: {}, activity: [] };
}

/** We took a picture. The same picture again goes to the top, and is read anew. */
export function captured(state: State, questionId: string, url: string, at: number): State {
  const known = state.shots.find((shot) => shot.questionId === questionId);
  const fresh = { ...newShot(questionId, true, at), url };
  const shot = known?.phase === "done" ? { ...fresh, hints: known.hints, rungs: known.rungs } : fresh;
  const shots = [shot, ...state.shots.filter((other) => other.questionId !== questionId)];
  return without({ ...state, page: url, shots: shots.slice(0, MAX_SHOTS) }, "problem");
}

/** Nothing waits for an answer any more: a picture without a result will get none. */
export function settled(state: State): State {
  const shots = state.shots.map((shot) =>
    shot.own && (shot.phase === "waiting" || shot.phase === "reading") ? failed(shot, { code: "interrupted" }) : shot,
  );
  return shots.some((shot, index) => shot !== state.shots[index]) ? { ...state, shots } : state;
}

/** A hint was refused. */
export function hintRefused(state: State, questionId: string, problem: Problem, retryAt: number): State {
  return change(state, questionId, (shot) =>
    problem.code === "too_soon" ? { ...shot, nextHintAt: retryAt } : { ...shot, hintProblem: problem },
  );
}

/** The server refused a picture for good. */
export function refused(state: State, questionId: string, problem: Problem): State {
  return change(state, questionId, (shot) => (shot.phase === "done" ? shot : failed(shot, problem)));
}

/** What `extension:sync` says. */
export function syncOf(state: State): Omit<Payloads.ExtensionSync, "extensionId"> {
  const here = state.page ? state.shots.filter((shot) => shot.own && shot.url === state.page && isQuestion(shot)) : [];
  return {
    isActive: state.active,
    currentUrl: state.page,
    detectedQuestions: here.map(({ questionId, analysis }) => ({ id: questionId, skill: analysis?.skill ?? "" })),
  };
}

/** It was read, and it is a question. */
export function isQuestion({ analysis }: Shot): boolean {
  return Boolean(analysis) && (analysis?.section ?? "unknown") !== "unknown";
}

/** Take a message of the server. */
export function take(state: State, event: string, payload: unknown, self: Self, now: number): State {
  const taker = Object.hasOwn(TAKERS, event) ? TAKERS[event] : undefined;
  return taker ? taker(state, payload as never, self, now) : state;
}

type Taker<Data> = (state: State, data: Data, self: Self, now: number) => State;
interface Presence {
  device: Device;
}

// biome-ignore lint/suspicious/noExplicitAny: each is called with the payload of its event
const TAKERS: Record<string, Taker<any>> = {
  "question:progress"(state, data: Payloads.VisionProgress, self, now) {
    const { stage, fraction, partial } = data;
    return change(ensure(state, data, self, now), data.questionId, (shot) => {
      if (shot.phase === "done" || (shot.phase === "reading" && fraction < shot.fraction && stage !== "received")) {
        return shot;
      }
      const text = typeof partial?.text === "string" ? partial.text : stage === "received" ? "" : shot.text;
      return { ...without(shot, "problem"), phase: "reading", stage, fraction, text };
    });
  },

  "question:analyzed"(state, data: Payloads.VisionAnalyzed, self, now) {
    const isNews = !state.shots.some((shot) => shot.questionId === data.questionId && shot.phase === "done");
    const next = change(ensure(state, data, self, data.timestamp || now), data.questionId, (shot) => {
      const done: Shot = { ...shot, phase: "done", stage: "", fraction: 1, text: "", analysis: data.analysis };
      return isQuestion(done) ? without(done, "problem") : { ...done, problem: { code: "not_a_question" } };
    });
    if (!isNews || data.extensionId === self.extensionId) return next;
    return told(next, data.timestamp || now, `Another device read a question${about(data.analysis.skill)}.`);
  },

  "question:error"(state, { questionId, code, message }: Payloads.VisionFailed) {
    return change(state, questionId, (shot) => {
      if (shot.phase === "done") return shot;
      if (isPassing(code)) return { ...shot, phase: "waiting", fraction: 0, text: "", problem: { code, message } };
      return failed(shot, { code, message });
    });
  },

  "coaching:hint"(state, data: Payloads.CoachingHint, _, now) {
    const { questionId, rung, rungs, text, last, kind, nextInMs } = data;
    return change(state, questionId, (shot) => {
      const others = shot.hints.filter((hint) => hint.rung !== rung || hint.kind !== kind);
      const hints = [...others, { rung, rungs, text, last, kind }].sort((a, b) => a.rung - b.rung);
      return { ...without(shot, "hintProblem"), hints, rungs, nextHintAt: now + (nextInMs ?? 0) };
    });
  },

  "analytics:update"(state, { currentSession }: Payloads.AnalyticsUpdate) {
    return { ...state, practice: currentSession };
  },

  "coaching:message"(state, data: Payloads.CoachingMessage) {
    if (data.part !== undefined || data.sender === "student") return state;
    const who = data.sender === "tutor" ? "Your tutor" : "Your coach";
    return told(state, data.createdAt, `${who}: ${data.message}`);
  },

  "extension:state"(state, { extensionId, state: how }: Payloads.ExtensionStateChanged, self) {
    if (extensionId === self.extensionId) return state;
    const { [extensionId]: _, ...others } = state.extensions;
    const gone = how.status === "gone";
    return { ...state, extensions: gone ? others : { ...others, [extensionId]: how } };
  },

  "user:joined"(state, { devices }: { devices: Device[] }, self) {
    return { ...state, devices: devices.filter((device) => device.deviceId !== self.deviceId).map(plain) };
  },

  "user:connect"(state, { device }: Presence, self, now) {
    if (device.deviceId === self.deviceId) return state;
    const devices = [...state.devices.filter((other) => other.deviceId !== device.deviceId), plain(device)];
    return told({ ...state, devices }, now, `${nameOf(device)} joined.`);
  },

  "user:disconnect"(state, { device }: Presence, self, now) {
    if (device.deviceId === self.deviceId) return state;
    const devices = state.devices.filter((other) => other.deviceId !== device.deviceId);
    return told({ ...state, devices }, now, `${nameOf(device)} left.`);
  },
};

const KINDS: Record<string, string> = { web: "A web page", mobile: "A phone", extension: "A browser extension" };

/** A device, for people. */
export function nameOf({ name, kind }: Device): string {
  return name || KINDS[kind] || `A device (${kind})`;
}

function plain({ deviceId, kind, name }: Device): Device {
  return { deviceId, kind, name };
}

function about(skill: string | undefined): string {
  return skill && skill !== "unknown" ? ` (${skill})` : "";
}

function newShot(questionId: string, own: boolean, at: number): Shot {
  const life = { phase: "waiting", stage: "", fraction: 0, text: "" } as const;
  return { questionId, own, url: "", at, ...life, hints: [], rungs: 0, nextHintAt: 0 };
}

/** A picture that we do not know: of another device, or of ours before our memory was lost. */
function ensure(state: State, data: { questionId: string; extensionId?: string }, self: Self, at: number): State {
  if (state.shots.some((shot) => shot.questionId === data.questionId)) return state;
  const shots = [...state.shots, newShot(data.questionId, data.extensionId === self.extensionId, at)];
  return { ...state, shots: shots.sort((a, b) => b.at - a.at).slice(0, MAX_SHOTS) };
}

function change(state: State, questionId: string, act: (shot: Shot) => Shot): State {
  return { ...state, shots: state.shots.map((shot) => (shot.questionId === questionId ? act(shot) : shot)) };
}

function failed(shot: Shot, problem: Problem): Shot {
  return { ...shot, phase: "failed", stage: "", fraction: 0, problem };
}

function told(state: State, at: number, text: string): State {
  const same = state.activity.some((other) => other.at === at && other.text === text);
  return same ? state : { ...state, activity: [{ at, text }, ...state.activity].slice(0, MAX_ACTIVITY) };
}

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> & { [P in K]?: never } {
  const { [key]: _, ...rest } = value;
  return rest as Omit<T, K> & { [P in K]?: never };
}
