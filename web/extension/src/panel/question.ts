/** The card of one question: how far reading is, then what was read and what is known of it. */

import type { Payloads } from "@bonsai/client";
import { byId, el, notice } from "../shared/dom.ts";
import { isQuestion, type Shot } from "../shared/state.ts";
import { ago, difficulty, doing, hostOf, insightName, percent } from "./texts.ts";

/** Below this probability a skill is only supposed. */
const SURE = 0.5;
/** Choices of at most so many characters stand side by side. */
const SHORT = 14;

/** Insights that come close to a hint. */
const WAYS = ["first_step", "strategy"];

type Insight = Payloads.VisionInsight;

/** The parts of the card, but for the progress. */
export function questionCard(shot: Shot, now: number): HTMLElement[] {
  const { phase, url, at, problem, analysis } = shot;
  const source = hostOf(url) || (shot.own ? "A page" : "Another device");
  const parts = [el("p", { class: "where" }, el("span", {}, source), el("span", {}, ago(at, now)))];
  if (problem && phase !== "reading") parts.push(notice(problem));
  if (phase === "done" && analysis && isQuestion(shot)) parts.push(...found(shot));
  return parts;
}

/** Show how far reading is: in place, for it changes while somebody is about to press Cancel. */
export function showProgress(shot: Shot | undefined, online: boolean): void {
  const underWay = shot?.phase === "waiting" || shot?.phase === "reading";
  byId("progress").hidden = !underWay;
  if (!shot || !underWay) return;
  const value = Math.round(shot.fraction * 100);
  byId("doing").textContent = doing(shot, online);
  byId("cancel").hidden = shot.phase !== "reading";
  const bar = byId("bar");
  bar.setAttribute("aria-valuenow", String(value));
  (bar.firstElementChild as HTMLElement).style.width = `${Math.max(3, value)}%`;
  byId("partial").textContent = shot.text;
}

function found({ analysis }: Shot): HTMLElement[] {
  if (!analysis) return [];
  const { section = "", domain, skill, confidence, passage, stem, text, choices = [], insights = [] } = analysis;
  const title = known(skill) ? skill : known(domain) ? domain : section;
  const above = [section, domain].filter((name) => known(name) && name !== title).join(" › ");
  const unsure = known(skill) && (confidence?.skill ?? 1) < SURE;
  return [
    el(
      "div",
      {},
      above && el("p", { class: "soft" }, above),
      el("p", { class: "skill" }, unsure && el("span", { class: "soft" }, "Perhaps "), title),
    ),
    ...levels(analysis.difficulty, analysis.expectedSeconds),
    ...(passage ? [el("details", {}, el("summary", {}, "Passage"), el("p", { class: "text" }, passage))] : []),
    el("p", { class: "text" }, stem || text),
    ...(choices.length ? [list(choices)] : []),
    ...advice(insights),
  ];
}

function list(choices: { key: string; text: string }[]): HTMLElement {
  const isShort = choices.every(({ text }) => text.length <= SHORT);
  return el(
    "ol",
    { class: isShort ? "choices short" : "choices" },
    ...choices.map(({ key, text }) =>
      el("li", {}, el("b", { class: "badge" }, key), el("span", { class: "text" }, text || "(a figure)")),
    ),
  );
}

function levels(shares: Record<string, number> | undefined, seconds: number | undefined): HTMLElement[] {
  const { parts, most } = difficulty(shares);
  if (!most) return [];
  const said = `Difficulty: ${parts.map(([name, share]) => `${name} ${percent(share)}`).join(", ")}`;
  const bars = parts.map(([name, share]) => {
    const bar = el("i", { class: name === most ? "most" : undefined });
    bar.style.flex = `${share} 1 0`;
    return bar;
  });
  const sure = parts.find(([name]) => name === most)?.[1] ?? 0;
  return [
    el(
      "div",
      { class: "difficulty" },
      el("div", { class: "levels", role: "img", "aria-label": said }, ...bars),
      el(
        "p",
        { class: "between" },
        el("span", {}, `Probably ${most}, ${percent(sure)}`),
        seconds !== undefined && el("span", {}, `about ${Math.round(seconds)} s`),
      ),
    ),
  ];
}

/** What is known of the question; how to go about it is for who wants to know before the first hint. */
function advice(insights: Insight[]): HTMLElement[] {
  const ways = insights.filter(({ kind }) => WAYS.includes(kind));
  const facts = insights.filter(({ kind }) => !WAYS.includes(kind));
  return [
    ...(facts.length ? [listed(facts)] : []),
    ...(ways.length ? [el("details", { class: "ways" }, el("summary", {}, "How to go about it"), listed(ways))] : []),
  ];
}

function listed(insights: Insight[]): HTMLElement {
  const kinds = [...new Set(insights.map(({ kind }) => kind))];
  return el(
    "dl",
    { class: "insights" },
    ...kinds.map((kind) =>
      el(
        "div",
        { class: kind },
        el("dt", {}, insightName(kind)),
        ...insights.filter((insight) => insight.kind === kind).map(({ text }) => el("dd", {}, text)),
      ),
    ),
  );
}

function known(name: string | undefined): name is string {
  return Boolean(name) && name !== "unknown";
}
