/** What all windows of a student who practises have in common, and how it changes: plain functions over plain data. */

import type { Payloads } from "@bonsai/client";
import type { Patch } from "../shared/merge.ts";

export type Question = Payloads.RecsRecommended;
export type Mode = Payloads.RecsUpdate["mode"];
export const SUBJECTS = ["all", "math", "reading", "writing"] as const;
export type Subject = (typeof SUBJECTS)[number];

/** What a student has done with a question that is not answered yet. */
export interface Draft {
  answer?: string;
  /** Choices that are crossed out, by key. */
  struck?: Record<string, true>;
  /** Of a mock test: to look at again. */
  flagged?: true;
  /** Of a mock test: seconds spent on it. */
  spent?: number;
  /** Of a mock test: handed in. */
  sent?: true;
}

/** An answer; `correct` is unknown until the server has graded it. */
export interface Result {
  answer: string;
  /** Seconds that it took. */
  spent: number;
  correct?: boolean;
  explanation?: string;
}

/** The module of a mock test that is before the student. */
export interface Module {
  /** Which one: another key is another module. */
  key: string;
  /** When it began, in milliseconds of the server's clock. */
  since: number;
  /** Which question is shown, from 0. */
  at: number;
  /** Its answers are on their way. */
  handing?: true;
}

/** Wrong, right, or not yet graded. */
export type Outcome = 0 | 1 | 2;
export const UNGRADED: Outcome = 2;

/** How a module of a mock test went. */
export interface Mark {
  right: number;
  of: number;
}

/** The part `practice` of the session's shared state. */
export interface Practice {
  mode: Mode;
  subject: Subject;
  /** The question before the student; of practice and diagnosis. */
  question?: Question;
  /** When it came, in milliseconds of the server's clock; moved on by pauses. */
  since?: number;
  /** Since when time stands still. */
  pausedAt?: number;
  /** Only recommendations of a later revision count: those before were for another wish. */
  after: number;
  drafts: Record<string, Draft>;
  results: Record<string, Result>;
  /** Hints shown, by question. */
  hinted: Record<string, number>;
  /** How each question of the session went, oldest first. */
  trail: Record<string, Outcome>;
  module?: Module;
  /** Modules of the mock test that were handed in, by key. */
  marks: Record<string, Mark>;
}

const NEW: Practice = {
  mode: "practice",
  subject: "all",
  after: 0,
  drafts: {},
  results: {},
  hinted: {},
  trail: {},
  marks: {},
};

/** The practice in a session's shared state. */
export function practiceIn(state: Record<string, unknown>): Practice {
  return { ...NEW, ...(state.practice as Partial<Practice> | undefined) };
}

/** The change that puts a question before the student, and forgets what was said of the one before. */
export function begin(practice: Practice, question: Question, now: number): Patch {
  const forgotten = (record: object): Patch => Object.fromEntries(Object.keys(record).map((id) => [id, null]));
  return {
    // A patch merges objects: what this question lacks would be left of the one before.
    question: { passage: null, figure: null, choices: null, ...question },
    since: now,
    pausedAt: null,
    drafts: forgotten(practice.drafts),
    results: forgotten(practice.results),
    hinted: forgotten(practice.hinted),
  };
}

/** The change to another mode or subject: the question goes, unless it stays the same wish. */
export function wish(practice: Practice, to: { mode?: Mode; subject?: Subject }, revision: number): Patch {
  const mode = to.mode ?? practice.mode;
  const fresh = mode === "mock" && practice.mode !== "mock";
  return {
    ...to,
    after: revision,
    question: null,
    since: null,
    pausedAt: null,
    module: null,
    drafts: null,
    ...(fresh && { marks: null }),
  };
}

/** What to ask the server for. */
export function requestFor({ mode, subject }: Practice): Payloads.RecsRequest {
  return {
    mode,
    count: mode === "diagnose" ? 3 : 6,
    ...(subject !== "all" && { preferences: { subjects: [subject] } }),
  };
}

/** The best recommended question that is not before the student or behind them; undefined while there is none for the current wish. */
export function upNext(practice: Practice, update: Payloads.RecsUpdate | undefined): Question | undefined {
  if (!update || update.mode !== practice.mode || update.revision <= practice.after) return undefined;
  const { question, trail } = practice;
  const others = update.questions.filter(({ id }) => id !== question?.id && trail[id] !== UNGRADED);
  return others.find(({ id }) => !(id in trail)) ?? others[0]; // what was done already may be due for review
}

/** Seconds that the question has been before the student. */
export function secondsSpent({ since, pausedAt }: Practice, now: number): number {
  return since === undefined ? 0 : Math.max(0, ((pausedAt ?? now) - since) / 1000);
}

/** The change that stops the time, or lets it go on. */
export function togglePause({ since, pausedAt }: Practice, now: number): Patch {
  return pausedAt === undefined ? { pausedAt: now } : { pausedAt: null, since: (since ?? now) + now - pausedAt };
}

/** The draft with a choice crossed out, or not any more; crossing out what was chosen takes the choice back. */
export function strike(draft: Draft | undefined, key: string): Patch {
  const struck = Boolean(draft?.struck?.[key]);
  return { struck: { [key]: struck ? null : true }, ...(!struck && draft?.answer === key && { answer: null }) };
}

/** The draft with a choice; choosing what was crossed out takes that back. */
export function choose(draft: Draft | undefined, key: string): Patch {
  return { answer: key, ...(draft?.struck?.[key] && { struck: { [key]: null } }) };
}

/** Which module of a mock test an update is about. */
export function moduleKey({ section, number }: Payloads.RecsMockModule): string {
  return `${section}, module ${number}`;
}

/** `1:05`; `1:02:05` from an hour on. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  const hours = Math.floor(whole / 3600);
  const [minutes, rest] = parts as [number, number];
  const tail = `${String(rest).padStart(2, "0")}`;
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}
