/**
 * What the server has told a client, kept for all components: one that is mounted later sees it at once, and several
 * see the same.
 */

import type { Message, Payloads, WebSocketClient } from "@bonsai/client";
import { Store } from "./store.ts";

/** Live analytics. */
export interface AnalyticsState {
  analytics: Payloads.AnalyticsUpdate;
  /** Practice by day, once asked for. */
  progress: Payloads.AnalyticsProgress | undefined;
  /** What the session came to, once it has ended. */
  summary: Record<string, unknown> | undefined;
  /** False until the first numbers have come. */
  isReady: boolean;
}

/** Live recommendations. */
export interface RecommendationsState {
  /** The newest update as it came: its mode, a diagnosis or mock test under way, ... */
  update: Payloads.RecsUpdate | undefined;
}

/** Messages and hints of the coach. */
export interface CoachingState {
  /** Oldest first; an answer that is being written grows in place. */
  messages: Payloads.CoachingMessage[];
  unread: number;
  /** A timed module is under way: the coach gives no help. */
  quiet: boolean;
  /** What was shown of each question's hints, by question, as it came. */
  hints: Record<string, Payloads.CoachingHint[]>;
  /** The strategy that was asked for last. */
  strategy: Payloads.CoachingStrategy | undefined;
}

/** Messages kept. */
const MOST_MESSAGES = 100;

const NOTHING: AnalyticsState = {
  analytics: {
    currentSession: {
      questionsAnswered: 0,
      correctAnswers: 0,
      streakCount: 0,
      bestStreak: 0,
      accuracy: 0,
      pace: 0,
    },
    performance: { overall: 0, bySkill: {} },
  },
  progress: undefined,
  summary: undefined,
  isReady: false,
};

const lives = new WeakMap<WebSocketClient, Live>();

/** The live state of a client; it listens from the first call on. */
export function liveOf(client: WebSocketClient): Live {
  const live = lives.get(client) ?? new Live(client);
  lives.set(client, live);
  return live;
}

export class Live {
  readonly analytics = new Store<AnalyticsState>(NOTHING);
  readonly recommendations = new Store<RecommendationsState>({ update: undefined });
  readonly coaching = new Store<CoachingState>({
    messages: [],
    unread: 0,
    quiet: false,
    hints: {},
    strategy: undefined,
  });
  /** What recommendations were asked for last on behalf of a component. */
  request: Payloads.RecsRequest | undefined;
  readonly #client: WebSocketClient;

  constructor(client: WebSocketClient) {
    this.#client = client;
    const { analytics, recommendations, coaching } = this;
    const own =
      <T>(take: (data: T) => void) =>
      (data: T, message: Message<T>) => {
        if (this.isOwn(message)) take(data);
      };
    client.on(
      "analytics:update",
      own((update) => analytics.set({ analytics: update, isReady: true })),
    );
    client.on("analytics:progress", (progress) => analytics.set({ progress }));
    client.on(
      "session:end",
      own(({ summary }) => analytics.set({ summary })),
    );
    client.on(
      "recommendations:update",
      own((update) => recommendations.set({ update })),
    );
    client.on("coaching:state", (state) => coaching.set(state));
    client.on(
      "coaching:message",
      own((message) => this.#takeMessage(message)),
    );
    client.on(
      "coaching:read",
      own((read) => this.#takeRead(read)),
    );
    client.on(
      "coaching:hint",
      own((hint) => this.#takeHint(hint)),
    );
    client.on("coaching:strategy", (strategy) => coaching.set({ strategy }));
  }

  /** Whether a message is about the client's own user, and not about one whom a tutor watches. */
  isOwn({ room }: Message): boolean {
    const { userId, sessionId } = this.#client.joined ?? {};
    return !room || room === `user:${userId}` || room === `session:${sessionId}`;
  }

  #takeMessage(message: Payloads.CoachingMessage): void {
    const { messages, unread } = this.coaching.get();
    const index = messages.findIndex(({ id }) => id === message.id);
    const known = index < 0 ? [...messages, message] : messages.map((old, at) => (at === index ? message : old));
    this.coaching.set({ messages: known.slice(-MOST_MESSAGES), unread: message.unread ?? unread });
  }

  #takeRead({ ids, unread }: Payloads.CoachingRead): void {
    const read = new Set(ids);
    const messages = this.coaching.get().messages.map((message) => {
      return read.has(message.id) ? { ...message, isRead: true } : message;
    });
    this.coaching.set({ messages, unread });
  }

  #takeHint(hint: Payloads.CoachingHint): void {
    const { hints } = this.coaching.get();
    const known = (hints[hint.questionId] ?? []).filter(({ rung, kind }) => rung !== hint.rung || kind !== hint.kind);
    this.coaching.set({ hints: { ...hints, [hint.questionId]: [...known, hint] } });
  }
}
