/** The card of one question: how far reading is, then what was read and what is known of it. */

import { el, notice } from "../shared/dom.ts";
import { isQuestion, type Shot } from "../shared/state.ts";
import { ago, difficulty, doing, hostOf, insightName, percent } from "./texts.ts";

/** What the card can ask for. */
export interface Actions {
  cancel(questionId: string): void;
}

/** The parts of the card. */
export function questionCard(shot: Shot, online: boolean, now: number, actions: Actions): HTMLElement[] {
  const { phase, url, at, problem, analysis } = shot;
  const source = hostOf(url) || (shot.own ? "A page" : "Another device");
  const parts = [el("p", { class: "where" }, el("span", {}, source), el("span", {}, ago(at, now)))];
  if (problem && phase !== "reading") parts.push(notice(problem));
  if (phase === "waiting" || phase === "reading") parts.push(...progress(shot, online, actions));
  if (phase === "done" && analysis && isQuestion(shot)) parts.push(...found(shot));
  return parts;
}

function progress(shot: Shot, online: boolean, actions: Actions): HTMLElement[] {
  const value = Math.round(shot.fraction * 100);
  const bar = el("i");
  bar.style.width = `${Math.max(3, value)}%`;
  const label = doing(shot, online);
  const range = { "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": String(value) };
  const cancel = (): void => actions.cancel(shot.questionId);
  return [
    el(
      "div",
      { class: "doing" },
      el("span", {}, label),
      shot.phase === "reading" && el("button", { type: "button", class: "quiet", click: cancel }, "Cancel"),
    ),
    el("div", { class: "bar", role: "progressbar", "aria-label": label, ...range }, bar),
    ...(shot.text ? [el("p", { class: "text partial" }, shot.text)] : []),
  ];
}

function found({ analysis }: Shot): HTMLElement[] {
  if (!analysis) return [];
  const { section, domain, skill, passage, stem, text, choices = [], insights = [] } = analysis;
  const title = known(skill) ? skill : known(domain) ? domain : section;
  const above = [section, domain].filter((name) => known(name) && name !== title).join(" › ");
  return [
    el("div", {}, ...(above ? [el("p", { class: "soft" }, above)] : []), el("p", { class: "skill" }, title ?? "")),
    ...(passage ? [el("details", {}, el("summary", {}, "Passage"), el("p", { class: "text" }, passage))] : []),
    el("p", { class: "text" }, stem || text),
    ...(choices.length
      ? [
          el(
            "ol",
            { class: "choices" },
            ...choices.map(({ key, text }) =>
              el("li", {}, el("b", { class: "badge" }, key), el("span", { class: "text" }, text || "(a figure)")),
            ),
          ),
        ]
      : []),
    ...levels(analysis.difficulty, analysis.expectedSeconds),
    ...(insights.length ? [advice(insights)] : []),
  ];
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

function advice(insights: { kind: string; text: string }[]): HTMLElement {
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
