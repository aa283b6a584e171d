/**
 * What is kept where. The worker writes the state, the options page the settings; everybody reads, and is told of changes.
 *
 * `chrome.storage.local` outlives the browser, `chrome.storage.session` only the worker. Neither is open to web pages.
 */

import type { Position, Status } from "@bonsai/client";
import type { Problem } from "./problems.ts";
import { emptyState, type State } from "./state.ts";

/** Where the student's token comes from, and where it is sent. */
export interface Settings {
  /** As `serverAddress` gives it. */
  server: string;
  userId: string;
  /** The session to join, so that all of the student's devices see the same; "" lets the server choose. */
  sessionId: string;
  /** The name of a demo login: new tokens are asked for under it. */
  demo: string;
  /** The token outlives the browser. */
  keep: boolean;
  /** When they were saved: saving the same again connects again. */
  savedAt: number;
}

/** The connection, for those who look. */
export interface Connection {
  state: Status["state"];
  /** Messages without an answer. */
  pending: number;
  retryAt?: number;
  problem?: Problem;
}

/** What was told, and up to where: written in one go, so that nothing is missed or taken twice, whenever we are stopped. */
export interface Progress {
  state: State;
  positions: Record<string, Position>;
}

/** What is kept, and in which area. `token` is in the one that `Settings.keep` says. */
interface Kept {
  settings: Settings;
  token: string;
  progress: Progress;
  connection: Connection;
  extensionId: string;
}
const IN_SESSION: (keyof Kept)[] = ["connection"];

function area(key: keyof Kept): chrome.storage.StorageArea {
  return IN_SESSION.includes(key) ? chrome.storage.session : chrome.storage.local;
}

/** What is kept under a key. */
export async function load<K extends Exclude<keyof Kept, "token">>(key: K): Promise<Kept[K] | undefined> {
  return (await area(key).get<Partial<Kept>>(key))[key];
}

/** Keep something. */
export function save<K extends Exclude<keyof Kept, "token">>(key: K, value: Kept[K]): Promise<void> {
  return area(key).set({ [key]: value });
}

/** The token, wherever it is. */
export async function loadToken(): Promise<string> {
  const key = "token";
  const [session, local] = await Promise.all([
    chrome.storage.session.get<Partial<Kept>>(key),
    chrome.storage.local.get<Partial<Kept>>(key),
  ]);
  return session[key] ?? local[key] ?? "";
}

/** Keep the token, for this run of the browser or longer. */
export async function saveToken(token: string, keep: boolean): Promise<void> {
  const [here, there] = keep
    ? [chrome.storage.local, chrome.storage.session]
    : [chrome.storage.session, chrome.storage.local];
  await Promise.all([here.set({ token }), there.remove("token")]);
}

/** Forget who the student is, and all that they did. */
export async function forget(): Promise<void> {
  await Promise.all([
    chrome.storage.local.remove(["settings", "token", "progress"]),
    chrome.storage.session.remove(["token", "connection"]),
  ]);
}

/** The state, and up to where it was told. */
export async function loadProgress(): Promise<Progress> {
  return (await load("progress")) ?? { state: emptyState(), positions: {} };
}

/** Our name among the extensions of a student: one for each browser profile. */
export async function ownId(): Promise<string> {
  const known = await load("extensionId");
  if (known) return known;
  const id = `ext-${crypto.randomUUID()}`;
  await save("extensionId", id);
  return id;
}

/** Call `listener` whenever one of these changes. */
export function onChange(keys: (keyof Kept)[], listener: (changed: (keyof Kept)[]) => void): void {
  chrome.storage.onChanged.addListener((changes) => {
    const changed = keys.filter((key) => key in changes);
    if (changed.length) listener(changed);
  });
}
