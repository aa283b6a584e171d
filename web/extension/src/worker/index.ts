/** The service worker. Listeners are registered at once, or the browser would not wake it for them. */

import { type Command, PANEL } from "../shared/commands.ts";
import type { Problem } from "../shared/problems.ts";
import { onChange } from "../shared/storage.ts";
import { Hub } from "./hub.ts";

const hub = new Hub();
void hub.ready();

// The button of the toolbar, and its keys. Opening a panel must come first, while the press is fresh.
chrome.action.onClicked.addListener((tab) => {
  chrome.sidePanel.open({ windowId: tab.windowId }).catch(() => undefined); // no window that could show one
  void hub.capture(tab.windowId, tab.url, true);
});

chrome.runtime.onMessage.addListener((command: Command, sender, answer) => {
  if (sender.id !== chrome.runtime.id) return false;
  void obey(command).then((problem) => answer(problem ?? null));
  return true;
});

// An open panel notices by its port that the worker was stopped, and wakes it.
chrome.runtime.onConnect.addListener((port) => {
  if (port.name === PANEL) void hub.wake();
});

chrome.alarms.onAlarm.addListener(() => void hub.wake());
onChange(["settings"], () => void hub.reload());
globalThis.addEventListener("online", () => void hub.wake({ atOnce: true }));

// Which page the student looks at. Without their press on it, `tab.url` is not told.
chrome.tabs.onActivated.addListener(({ tabId }) => {
  chrome.tabs.get(tabId).then(
    (tab) => hub.look(tab.url),
    () => undefined, // closed since
  );
});
chrome.tabs.onUpdated.addListener((_, { status }, tab) => {
  if (tab.active && status === "complete") void hub.look(tab.url);
});

async function obey(command: Command): Promise<Problem | undefined> {
  switch (command.do) {
    case "capture": {
      const [tab] = await chrome.tabs.query({ active: true, windowId: command.windowId });
      return hub.capture(command.windowId, tab?.url, false);
    }
    case "hint":
      await hub.hint(command.questionId);
      return undefined;
    case "cancel":
      await hub.cancel(command.questionId);
      return undefined;
    case "switch":
      await hub.switch(command.on);
      return undefined;
    case "retry":
      await hub.wake({ atOnce: true });
      return undefined;
  }
}
