/** The options page: which server, who the student is, and whether that works. */

import { byId, el, fill, notice, showConnection } from "../shared/dom.ts";
import { demoLogin } from "../shared/login.ts";
import type { Problem } from "../shared/problems.ts";
import { claimsOf, hostPattern, Mistake, serverAddress } from "../shared/server.ts";
import {
  type Connection,
  forget,
  load,
  loadToken,
  onChange,
  type Settings,
  save,
  saveToken,
} from "../shared/storage.ts";

/** How long a connection may take before we say what may be wrong, in milliseconds. */
const PATIENCE = 4000;

const server = byId<HTMLInputElement>("server");
const token = byId<HTMLInputElement>("token");
const session = byId<HTMLInputElement>("session");
const name = byId<HTMLInputElement>("name");
const keep = byId<HTMLInputElement>("keep");
const form = byId<HTMLFormElement>("form");
const submit = form.querySelector<HTMLButtonElement>("[type=submit]") as HTMLButtonElement;

/** What the student did wrong, until they try again. */
let mistake: { text: string; field?: HTMLInputElement } | undefined;
let lookingFor = 0;

const before = await load("settings");
server.value = before?.server ?? "";
session.value = before?.sessionId ?? "";
name.value = before?.demo ?? "";
keep.checked = before?.keep ?? false;
way(before?.demo ? "demo" : "token");
byId("origin").textContent = location.origin;
const [{ shortcut = "" } = {}] = await chrome.commands.getAll();
byId("keys").textContent = shortcut || "none";
await refresh();
onChange(["connection", "settings"], () => void refresh());

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void attempt();
});
for (const radio of form.querySelectorAll<HTMLInputElement>("[name=way]")) {
  radio.addEventListener("change", () => way(radio.value));
}
byId("reveal").addEventListener("click", () => {
  const visible = token.type === "password";
  token.type = visible ? "text" : "password";
  byId("reveal").textContent = visible ? "Hide" : "Show";
  byId("reveal").setAttribute("aria-pressed", String(visible));
});
byId("forget").addEventListener("click", () => void forget());
byId("change-keys").addEventListener("click", () => void chrome.tabs.create({ url: "chrome://extensions/shortcuts" }));

function way(chosen: string): void {
  const radio = form.querySelector<HTMLInputElement>(`[name=way][value=${chosen}]`);
  if (radio) radio.checked = true;
  byId("with-token").hidden = chosen !== "token";
  byId("with-demo").hidden = chosen !== "demo";
}

async function attempt(): Promise<void> {
  mistake = undefined;
  submit.disabled = true;
  try {
    await apply();
    lookingFor = Date.now();
    setTimeout(() => void refresh(), PATIENCE + 50);
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    mistake ??= { text: error.message };
  } finally {
    submit.disabled = false;
    await refresh();
    mistake?.field?.focus();
  }
}

/** Check and save what was written. Throws Mistake. */
async function apply(): Promise<void> {
  const address = check(server, serverAddress);
  const isDemo = form.querySelector<HTMLInputElement>("[name=way]:checked")?.value === "demo";
  const settings = isDemo ? await applyDemo(address) : await applyToken(address);
  server.value = address;
  token.value = "";
  await save("settings", { ...settings, keep: keep.checked, savedAt: Date.now() });
}

type Part = Pick<Settings, "server" | "userId" | "sessionId" | "demo">;

async function applyToken(address: string): Promise<Part> {
  const written = token.value.trim() || (await loadToken());
  if (!written) check(token, () => fail("Put in your token."));
  const claims = check(token, () => claimsOf(written, Date.now()));
  await saveToken(written, keep.checked);
  return { server: address, userId: claims.userId, sessionId: claims.sessionId ?? session.value.trim(), demo: "" };
}

async function applyDemo(address: string): Promise<Part> {
  const demo = check(name, (written) => written.trim() || fail("Write a name."));
  // The browser asks the student, unless it has before. It wants to be asked while the click is fresh.
  if (!(await chrome.permissions.request({ origins: [hostPattern(address)] }))) {
    fail("Without that permission this extension cannot ask the server for a demo token.");
  }
  const { token, userId, sessionId } = await demoLogin(address, demo, session.value.trim());
  await saveToken(token, keep.checked);
  session.value = sessionId;
  return { server: address, userId, sessionId, demo };
}

function check<T>(field: HTMLInputElement, of: (written: string) => T): T {
  try {
    return of(field.value);
  } catch (error) {
    if (error instanceof Mistake) mistake = { text: error.message, field };
    throw error;
  }
}

function fail(text: string): never {
  throw new Mistake(text);
}

async function refresh(): Promise<void> {
  const [settings, connection] = await Promise.all([load("settings"), load("connection")]);
  const shown = connection ?? { state: "idle", pending: 0 };
  showConnection(shown);
  for (const field of [server, token, session, name]) {
    field.toggleAttribute("aria-invalid", field === mistake?.field);
    if (field === mistake?.field) field.setAttribute("aria-invalid", "true");
  }
  const problem = settings && (await trouble(settings, shown));
  fill(byId("problem"), [mistake?.text, problem], () => {
    if (mistake) return [el("div", { class: "notice" }, el("strong", {}, mistake.text))];
    return problem ? [problem.advice ?? notice(problem)] : [];
  });
  const joined = settings && !mistake && shown.state === "joined";
  fill(byId("good"), [joined, settings?.userId], () =>
    joined
      ? [
          el(
            "div",
            { class: "notice good" },
            el("strong", {}, `Connected as ${settings.userId}`),
            el("p", {}, "Open a page with a question, and press the Bonsai button of the toolbar."),
          ),
        ]
      : [],
  );
  byId("account").hidden = !settings;
  const expires = settings ? await expiry() : "";
  fill(byId("facts"), [settings, expires], () =>
    settings
      ? fact("Student", settings.userId)
          .concat(fact("Server", settings.server))
          .concat(settings.sessionId ? fact("Session", settings.sessionId) : [])
          .concat(fact("Token", settings.demo ? "renewed under the demo name" : expires))
      : [],
  );
}

function fact(term: string, text: string): HTMLElement[] {
  return [el("dt", {}, term), el("dd", {}, text)];
}

async function expiry(): Promise<string> {
  try {
    return `valid until ${new Date(claimsOf(await loadToken(), 0).expiresAt).toLocaleString()}`;
  } catch {
    return "none: put one in below";
  }
}

/** What keeps us from being connected. A browser does not say why a connection failed, so we find out what we can. */
async function trouble(settings: Settings, { state, problem }: Connection): Promise<Trouble | undefined> {
  if (state === "joined" || !problem) return undefined;
  if (problem.code !== "lost" || Date.now() - lookingFor < PATIENCE)
    return problem.code === "lost" ? undefined : problem;
  const answers = await fetch(`${settings.server}/healthz`, { mode: "no-cors", cache: "no-store", credentials: "omit" })
    .then(() => true)
    .catch(() => false);
  const advice = answers
    ? el(
        "div",
        { class: "notice", "data-code": "not_admitted" },
        el("strong", {}, "The server does not let this extension in"),
        el(
          "p",
          {},
          "It runs, but refuses the connection. Whoever runs it adds this to ",
          el("code", {}, "ALLOWED_ORIGINS"),
          ":",
        ),
        el("p", {}, el("code", {}, location.origin)),
      )
    : el(
        "div",
        { class: "notice", "data-code": "no_server" },
        el("strong", {}, "No server answers there"),
        el("p", {}, `Is ${settings.server} right, and does it run? It is tried again and again.`),
      );
  return { ...problem, code: answers ? "not_admitted" : "no_server", advice };
}

interface Trouble extends Problem {
  advice?: HTMLElement;
}
