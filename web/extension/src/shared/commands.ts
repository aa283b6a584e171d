/** What the panel asks of the worker. Asking wakes the worker; its answers are changes of what is kept. */

import type { Problem } from "./problems.ts";

export type Command =
  | { do: "capture"; windowId: number }
  | { do: "hint"; questionId: string }
  | { do: "cancel"; questionId: string }
  | { do: "switch"; on: boolean }
  | { do: "retry" };

/** The port by which the worker knows that a panel is open, and the panel that the worker was stopped. */
export const PANEL = "panel";

/** Ask the worker. */
export async function ask(command: Command): Promise<Problem | undefined> {
  return (await chrome.runtime.sendMessage<Command, Problem | null>(command)) ?? undefined;
}
