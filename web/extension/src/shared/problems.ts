/** What can go wrong, in words for the student: what happened, and what to do. Pure. */

/** Something that did not work; `code` is the server's, the client's, or one of ours. */
export interface Problem {
  code: string;
  /** The technical message, where there is one. */
  message?: string;
}

/** What the panel shows of it. */
export interface Advice {
  title: string;
  text: string;
  /** `settings`: a button opens the options page. */
  action?: "settings";
  /** It passes by itself. */
  passing?: boolean;
}

const ADVICE: Record<string, Advice> = {
  // Before anything is sent
  not_set_up: {
    title: "Not set up yet",
    text: "Say which server to use, and who you are.",
    action: "settings",
  },
  not_capturable: {
    title: "This page cannot be read",
    text: "Browsers keep their own pages, their store and some viewers to themselves. Open the question in an ordinary tab.",
  },
  needs_gesture: {
    title: "Press the Bonsai button of the toolbar",
    text: "The browser lets Bonsai see a page only after you press its button there, or its keys, on that page.",
  },
  too_fast: { title: "One moment", text: "The last picture is not ready yet. Try again in a second.", passing: true },
  queue_full: { title: "Too much waits already", text: "Connect first, so that what waits can be sent." },

  // The connection
  unauthenticated: {
    title: "Your token is not valid any more",
    text: "Nothing is lost: what waits is sent once you have put in a new one.",
    action: "settings",
  },
  forbidden: {
    title: "The server does not let you in",
    text: "The token is for another student, session or server.",
    action: "settings",
  },
  unreachable: { title: "No connection", text: "The server could not be reached.", action: "settings" },
  refused: {
    title: "The server ended the connection",
    text: "Check the settings, then try again.",
    action: "settings",
  },
  lost: { title: "Not connected", text: "What you do is kept here and sent when the server is back.", passing: true },

  // Reading a picture
  overloaded: {
    title: "The server is busy",
    text: "Your picture waits and is sent again by itself.",
    passing: true,
  },
  rate_limited: { title: "A little too fast", text: "Your picture is sent again by itself.", passing: true },
  plugin_unavailable: {
    title: "The server is warming up",
    text: "Your picture waits and is sent again by itself.",
    passing: true,
  },
  handler_timeout: { title: "That takes long", text: "Your picture is sent again by itself.", passing: true },
  not_a_question: {
    title: "This is no SAT question",
    text: "Scroll so that the whole question is in view, then read the page again.",
  },
  too_small: { title: "Nothing could be read", text: "Make the text larger, then read the page again." },
  too_large: { title: "The picture is too large", text: "Make the window smaller, then read the page again." },
  timeout: { title: "That took too long", text: "Zoom in on the question, then read the page again." },
  unsupported_type: { title: "The picture was refused", text: "The server does not take this kind of picture." },
  broken_image: { title: "The picture was damaged", text: "Read the page again." },
  worker_lost: { title: "This page could not be read", text: "Zoom or scroll a little, then try again." },
  out_of_memory: { title: "This page could not be read", text: "Make the window smaller, then try again." },
  cancelled: { title: "Cancelled", text: "Read the page again whenever you like." },
  replaced: { title: "A newer picture took its place", text: "Only the newest one of this browser is read." },
  interrupted: { title: "This one was interrupted", text: "Its result did not arrive. Read the page again." },
  unknown_event: {
    title: "This server cannot do that",
    text: "It runs without the plugin for it: ask whoever runs it.",
  },

  // Hints
  unknown_question: { title: "No hints for this one", text: "Too little is known of this question." },
  mock_test: { title: "No hints in a timed test", text: "Ask again when it is over." },
};

/** Codes of errors after which the client sends the message again by itself. */
export function isPassing(code: string): boolean {
  return ADVICE[code]?.passing ?? false;
}

/** What to show of a problem. */
export function adviceOn({ code, message = "" }: Problem): Advice {
  return ADVICE[code] ?? { title: "That did not work", text: message || `The server said: ${code}.` };
}

/** What Chrome's refusal of `captureVisibleTab` means. `pressed`: on that very page, just now. */
export function captureProblem(message: string, pressed: boolean): Problem {
  if (/MAX_CAPTURE_VISIBLE_TAB|quota/i.test(message)) return { code: "too_fast", message };
  const unasked = /activeTab|all_urls/i.test(message) && !pressed;
  return { code: unasked ? "needs_gesture" : "not_capturable", message };
}
