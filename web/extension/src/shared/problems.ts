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
  /** Nothing is broken. */
  mild?: boolean;
}

const ADVICE: Record<string, Advice> = {
  // Before anything is sent
  not_set_up: {
    mild: true,
    title: "Not set up yet",
    text: "Say which server to use, and who you are.",
    action: "settings",
  },
  not_capturable: {
    mild: true,
    title: "This page cannot be read",
    text: "Bonsai looks at web pages only, not at the browser’s own, such as its settings. Open the question in an ordinary tab.",
  },
  needs_gesture: {
    mild: true,
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
    mild: true,
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
  cancelled: { mild: true, title: "Cancelled", text: "Read the page again whenever you like." },
  replaced: {
    mild: true,
    title: "A newer picture took its place",
    text: "Only the newest one of this browser is read.",
  },
  interrupted: {
    mild: true,
    title: "This one was interrupted",
    text: "Its result did not arrive. Read the page again.",
  },
  unknown_event: {
    title: "This server cannot do that",
    text: "It runs without the plugin for it: ask whoever runs it.",
  },

  // Hints
  unknown_question: { mild: true, title: "No hints for this one", text: "Too little is known of this question." },
  mock_test: { mild: true, title: "No hints in a timed test", text: "Ask again when it is over." },
};

/** Codes of errors after which the client sends the message again by itself. */
export function isPassing(code: string): boolean {
  return ADVICE[code]?.passing ?? false;
}

/** What to show of a problem. */
export function adviceOn({ code, message = "" }: Problem): Advice {
  return ADVICE[code] ?? { title: "That did not work", text: message || `The server said: ${code}.` };
}

/**
 * Why a page must not be sent. The browser tells the address of a web page once the student has pressed our button on it.
 * It keeps that of its own pages, such as its settings and passwords, but would let us see them after a press: we do not look.
 *
 * @param pressed on this very page, just now.
 */
export function unreadable(url: string | undefined, pressed: boolean): Problem | undefined {
  if (url === undefined) return { code: pressed ? "not_capturable" : "needs_gesture" };
  return /^(https?|file):/i.test(url) ? undefined : { code: "not_capturable" };
}

/** What Chrome's refusal of `captureVisibleTab` means. */
export function captureProblem(message: string): Problem {
  if (/MAX_CAPTURE_VISIBLE_TAB|quota/i.test(message)) return { code: "too_fast", message };
  return { code: /activeTab|all_urls/i.test(message) ? "needs_gesture" : "not_capturable", message };
}
