/** Words and numbers of the panel. Pure. */

import type { Shot } from "../shared/state.ts";

const STAGES: Record<string, string> = {
  received: "Picture sent",
  decode: "Opening the picture",
  locate: "Finding the question",
  ocr: "Reading the text",
  layout: "Putting lines in order",
  structure: "Telling stem from choices",
  match: "Looking it up",
  classify: "Finding the skill",
  insights: "Thinking about it",
};

/** What is being done with a picture. */
export function doing({ phase, stage }: Shot, online: boolean): string {
  if (phase === "waiting") return online ? "Sending the picture" : "Waits until you are online";
  return STAGES[stage] ?? "Reading the page";
}

const KINDS: Record<string, string> = {
  goal: "Goal",
  quantity: "Given",
  first_step: "First step",
  strategy: "Strategy",
  trap: "Watch out",
  pace: "Pace",
};

/** What an insight is, in a word or two. */
export function insightName(kind: string): string {
  return KINDS[kind] ?? kind.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());
}

const RUNGS: Record<string, string> = {
  goal: "What is asked",
  strategy: "A way to go",
  step: "A step of it",
  solution: "Worked out",
  misconception: "About your answer",
};

/** What a hint is. */
export function rungName(kind: string): string {
  return RUNGS[kind] ?? "Hint";
}

/** The levels of difficulty with their probabilities, and the one that is most likely. */
export function difficulty(levels: Record<string, number> | undefined): {
  parts: [name: string, share: number][];
  most: string;
} {
  const parts = ["easy", "medium", "hard"].map((name): [string, number] => [name, levels?.[name] ?? 0]);
  const [most, share] = parts.reduce((best, part) => (part[1] > best[1] ? part : best));
  return { parts, most: share > 0 ? most : "" };
}

/** The host of a page, for people. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname.replace(/^www\./, "") : "";
}

/** How long ago, roughly. */
export function ago(at: number, now: number): string {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  return minutes < 1440 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

/** A line for a list of questions. */
export function titleOf({ analysis, phase, text }: Shot): string {
  const stem = (analysis?.stem || analysis?.text || text).replace(/\s+/g, " ").trim();
  if (stem) return stem.length > 70 ? `${stem.slice(0, 69).trimEnd()}…` : stem;
  return phase === "failed" ? "Could not be read" : "A page";
}

/** Probability as a whole percentage. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
