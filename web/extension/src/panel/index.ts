/**
 * The side panel: shows what is kept, and asks the worker for what the student wants.
 *
 * It holds no state of its own but which question is in view, so it does not matter whether the worker lives.
 */

import { ask, type Command, PANEL } from "../shared/commands.ts";
import { byId, el, fill, notice, showConnection } from "../shared/dom.ts";
import { adviceOn, type Problem } from "../shared/problems.ts";
import { nameOf, type Shot, type State } from "../shared/state.ts";
import { type Connection, load, loadProgress, onChange } from "../shared/storage.ts";
import { questionCard, showProgress } from "./question.ts";
import { ago, hostOf, rungName, titleOf } from "./texts.ts";

let state: State;
let connection: Connection;
let isSetUp = true;
let inView = "";
let newest = "";
let announced = "";
let hintTimer: ReturnType<typeof setTimeout> | undefined;

await refresh();
onChange(["progress", "connection", "settings"], () => void refresh());
setInterval(render, 30_000); // times of day
keepWorker();

byId("capture").addEventListener("click", () => void capture());
byId("hint").addEventListener("click", () => void send({ do: "hint", questionId: inView }));
byId("cancel").addEventListener("click", () => void send({ do: "cancel", questionId: inView }));
byId("switch").addEventListener("click", () => void send({ do: "switch", on: !state.active }));
byId("settings").addEventListener("click", openSettings);
const [{ shortcut = "" } = {}] = await chrome.commands.getAll();
byId("keys").textContent = shortcut;
byId("keys").hidden = !shortcut;

/** A port to the worker. It breaks when the worker is stopped; the new one wakes it, so that the panel stays live. */
function keepWorker(): void {
  const port = chrome.runtime.connect({ name: PANEL });
  port.onDisconnect.addListener(() => {
    if (chrome.runtime?.id) setTimeout(keepWorker, 200); // else the extension itself was removed or updated
  });
}

async function refresh(): Promise<void> {
  const [progress, settings, found] = await Promise.all([loadProgress(), load("settings"), load("connection")]);
  state = progress.state;
  isSetUp = Boolean(settings);
  connection = found ?? { state: isSetUp ? "connecting" : "idle", pending: 0 };
  const first = state.shots.find((shot) => shot.own) ?? state.shots[0];
  const latest = first ? `${first.questionId}@${first.at}` : "";
  if (latest !== newest) inView = first?.questionId ?? "";
  newest = latest;
  if (!state.shots.some((shot) => shot.questionId === inView)) inView = first?.questionId ?? "";
  render();
}

async function send(command: Command): Promise<void> {
  await ask(command).catch(() => undefined); // the worker was stopped meanwhile; what it has taken is kept
}

async function capture(): Promise<void> {
  const { id } = await chrome.windows.getCurrent();
  if (id !== undefined) await send({ do: "capture", windowId: id });
}

function openSettings(): void {
  void chrome.runtime.openOptionsPage();
}

function render(): void {
  const shot = state.shots.find((other) => other.questionId === inView);
  const online = connection.state === "joined";
  showConnection(connection);
  const toggle = byId("switch");
  toggle.setAttribute("aria-checked", String(state.active));
  toggle.setAttribute("aria-label", "Bonsai is on");
  toggle.title = state.active ? "Switch off" : "Switch on";
  byId<HTMLButtonElement>("capture").disabled = !isSetUp;
  renderProblem(problemInView());
  const now = Date.now();
  const { phase, analysis, problem, url } = shot ?? {};
  fill(byId("question"), shot && [phase, analysis, problem, url, ago(shot.at, now)], () =>
    shot ? questionCard(shot, now) : welcome(),
  );
  showProgress(shot, online);
  renderHints(shot, online);
  renderLists(now);
  announce(shot);
}

/** What is wrong as a whole; what is wrong with one picture is on its card. */
function problemInView(): Problem | undefined {
  if (!isSetUp) return { code: "not_set_up" };
  if (!state.active) return undefined;
  return state.problem ?? (connection.state === "joined" ? undefined : connection.problem);
}

function renderProblem(problem: Problem | undefined): void {
  fill(byId("problem"), problem, () => {
    if (!problem) return [];
    const { action } = adviceOn(problem);
    const retry = (): void => void send({ do: "retry" });
    const button =
      action === "settings"
        ? el("button", { type: "button", click: openSettings }, "Open settings")
        : problem.code === "lost" && el("button", { type: "button", click: retry }, "Try now");
    return [notice(problem, button)];
  });
}

function renderHints(shot: Shot | undefined, online: boolean): void {
  const section = byId("hints");
  section.hidden = shot?.phase !== "done" || shot.problem !== undefined;
  clearTimeout(hintTimer);
  if (!shot || section.hidden) return;
  const { hints, rungs, nextHintAt, hintProblem } = shot;
  const highest = Math.max(0, ...hints.map((hint) => hint.rung));
  byId("hint-count").textContent = rungs ? `${highest} of ${rungs}` : "";
  fill(byId("ladder"), hints, () =>
    hints.map((hint) =>
      el(
        "li",
        {},
        el("b", { class: "badge", "aria-hidden": "true" }, hint.kind === "misconception" ? "!" : String(hint.rung)),
        el("div", {}, el("h3", {}, rungName(hint.kind)), el("p", {}, hint.text)),
      ),
    ),
  );
  fill(byId("hint-problem"), hintProblem, () => (hintProblem ? [notice(hintProblem)] : []));
  const button = byId<HTMLButtonElement>("hint");
  const wait = nextHintAt - Date.now();
  const over = hints.some((hint) => hint.last);
  button.hidden = over;
  // Not `disabled`: that would take the focus away from who has just pressed it.
  button.setAttribute("aria-disabled", String(!online || wait > 0));
  button.textContent =
    wait > 0 ? `Next hint in ${Math.ceil(wait / 1000)} s` : hints.length ? "Next hint" : "Show a hint";
  if (wait > 0) hintTimer = setTimeout(render, wait % 1000 || 1000);
}

function renderLists(now: number): void {
  const { shots, devices, extensions, activity, practice } = state;
  byId("earlier").hidden = shots.length < 2;
  fill(byId("earlier-list"), [shots.map((shot) => [titleOf(shot), ago(shot.at, now)]), inView], () =>
    shots.map((shot) => {
      const show = (): void => {
        inView = shot.questionId;
        render();
        byId("question").scrollIntoView({ block: "nearest" });
      };
      const current = shot.questionId === inView ? "true" : undefined;
      return el(
        "li",
        {},
        el(
          "button",
          { type: "button", "aria-current": current, click: show },
          el("span", {}, titleOf(shot)),
          el("time", {}, ago(shot.at, now)),
        ),
      );
    }),
  );

  const others = Object.entries(extensions);
  byId("others").hidden = !devices.length && !others.length && !activity.length && !practice?.questionsAnswered;
  const summary = byId("practice");
  summary.hidden = !practice?.questionsAnswered;
  if (practice) {
    const { correctAnswers, questionsAnswered, streakCount } = practice;
    const streak = streakCount > 1 ? `, ${streakCount} in a row` : "";
    summary.textContent = `${correctAnswers} of ${questionsAnswered} right in this session${streak}`;
  }
  fill(byId("devices"), [devices, others.map(([, how]) => [how.status, how.currentUrl])], () => [
    ...devices.map((device) => el("li", {}, nameOf(device))),
    ...others.map(([, how]) => {
      const where = hostOf(how.currentUrl);
      return el("li", {}, `Extension${where ? ` on ${where}` : ""}${how.isActive ? "" : " (off)"}`);
    }),
  ]);
  fill(byId("activity"), [activity, activity.map(({ at }) => ago(at, now))], () =>
    activity
      .slice(0, 6)
      .map(({ at, text }) => el("li", {}, el("div", {}, el("span", {}, text), el("time", {}, ago(at, now))))),
  );
}

function welcome(): HTMLElement[] {
  const step = (number: string, text: string): HTMLElement =>
    el("li", {}, el("b", { class: "badge", "aria-hidden": "true" }, number), el("span", {}, text));
  return [
    el("h2", {}, "How it works"),
    el(
      "ol",
      { class: "welcome" },
      step("1", "Open a page with an SAT question."),
      step("2", "Press the Bonsai button of the toolbar, or its keys."),
      step("3", "See what is asked. Then take hints, one at a time."),
    ),
  ];
}

/** Tell who does not see the page what has happened, once. */
function announce(shot: Shot | undefined): void {
  const hint = shot?.hints.at(-1);
  const said = !shot
    ? ""
    : hint
      ? `Hint ${hint.rung} of ${hint.rungs}: ${hint.text}`
      : shot.phase === "done"
        ? shot.problem
          ? adviceOn(shot.problem).title
          : `The question was read: ${shot.analysis?.skill ?? ""}`
        : shot.phase === "failed" && shot.problem
          ? adviceOn(shot.problem).title
          : "Reading the page";
  if (said === announced) return;
  announced = said;
  byId("live").textContent = said;
}
