/** Small parts of pages: elements without a framework, and what panel and options page both show. */

import { adviceOn, type Problem } from "./problems.ts";
import type { Connection } from "./storage.ts";

type Child = Node | string | false | undefined;
type Properties = Record<string, string | boolean | (() => void) | undefined>;

/** The element with this id, which is in the page. */
export function byId<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (!found) throw new Error(`there is no #${id}`);
  return found as E;
}

/** Makes an element. Functions are for clicks, everything else is an attribute; text is text, never HTML. */
export function el(tag: string, properties: Properties = {}, ...children: Child[]): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener("click", value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child): child is Node | string => Boolean(child)));
  return element;
}

const shown = new WeakMap<Element, string>();

/** Fill an element, if what it is made of has changed: what has focus, or is selected, stays so. */
export function fill(target: Element, of: unknown, make: () => Child[]): void {
  const text = JSON.stringify(of ?? null);
  if (shown.get(target) === text) return;
  shown.set(target, text);
  target.replaceChildren(...make().filter((child): child is Node | string => Boolean(child)));
}

/** What went wrong, and the button that helps. */
export function notice(problem: Problem, button?: HTMLElement | false): HTMLElement {
  const { title, text, passing, mild } = adviceOn(problem);
  const kind = passing || mild ? "notice mild" : "notice";
  return el("div", { class: kind, "data-code": problem.code }, el("strong", {}, title), el("p", {}, text), button);
}

const STATES: Record<Connection["state"], string> = {
  idle: "Off",
  connecting: "Connecting",
  joined: "Connected",
  waiting: "Offline",
  closed: "Not connected",
};

/** Show the connection in the element `#connection`. While it stands, what has no answer yet is on its way. */
export function showConnection({ state, pending }: Connection): void {
  byId("connection").dataset.state = state;
  const waiting = pending && state !== "joined" ? ` · ${pending} waiting` : "";
  byId("connection-text").textContent = STATES[state] + waiting;
}
