/** Screenshots that are analysed, on whichever of the student's devices they were taken: how far each is, and what was found. */

import type { BonsaiError, Payloads, WebSocketClient } from "@bonsai/client";

/** One screenshot or text. */
export interface Analysis {
  questionId: string;
  state: "waiting" | "reading" | "done" | "failed";
  /** The stage that was finished last. */
  stage?: string;
  /** 0 to 1. */
  fraction: number;
  /** What is known so far. */
  partial: Record<string, unknown>;
  found?: Payloads.VisionQuestionAnalysis;
  problem?: string;
  /** `blob:` address of the picture, on the device that has it. */
  picture?: string;
}

/** Begins the ids of pictures that this page sends. */
const OWN = "shot-";

const desks = new WeakMap<WebSocketClient, AnalysisDesk>();

/** The analyses of a client's session; it listens from the first call on. */
export function analysesOf(client: WebSocketClient): AnalysisDesk {
  const desk = desks.get(client) ?? new AnalysisDesk(client);
  desks.set(client, desk);
  return desk;
}

export class AnalysisDesk {
  readonly #client: WebSocketClient;
  readonly #listeners = new Set<() => void>();
  /** What somebody has closed here: what still comes of it is not shown. */
  readonly #closed = new Set<string>();
  /** The one that is shown: the newest. */
  #shown: Analysis | undefined;

  constructor(client: WebSocketClient) {
    this.#client = client;
    client.on("question:progress", ({ questionId, stage, fraction, partial }) => {
      // The same picture, sent again from elsewhere, has the same id.
      if (stage === "received" && !questionId.startsWith(OWN)) this.#closed.delete(questionId);
      if (this.#closed.has(questionId)) return;
      const before = this.#of(questionId);
      this.#show({ ...before, state: "reading", stage, fraction, partial: { ...before.partial, ...partial } });
    });
    client.on("question:analyzed", ({ questionId, analysis }) => {
      if (this.#closed.has(questionId)) return;
      this.#show({ ...this.#of(questionId), state: "done", fraction: 1, found: analysis });
    });
    client.on("question:error", ({ questionId, code, message }) => {
      if (this.#closed.has(questionId)) return;
      const isShown = this.#shown?.questionId === questionId;
      if (code !== "cancelled") this.#show({ ...this.#of(questionId), state: "failed", problem: message });
      else if (isShown) this.close(); // given up in another window
    });
  }

  get = (): Analysis | undefined => this.#shown;

  subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  };

  /** Analyse a picture. */
  async send(image: File | Blob): Promise<void> {
    const questionId = `${OWN}${crypto.randomUUID()}`;
    this.close();
    this.#show({ questionId, state: "waiting", fraction: 0, partial: {}, picture: URL.createObjectURL(image) });
    try {
      await this.#client.sendScreenshot(image, { questionId });
    } catch (error) {
      const { code, message } = error as BonsaiError;
      if (this.#shown?.questionId === questionId && code !== "cancelled")
        this.#show({ ...this.#shown, state: "failed", problem: message });
    }
  }

  /** Give up what is under way. */
  cancel(): void {
    const { questionId, state } = this.#shown ?? {};
    if (questionId && (state === "waiting" || state === "reading")) {
      this.#client.request("question:cancel", { questionId }).catch(() => undefined);
    }
    this.close();
  }

  /** Show nothing any more. */
  close(): void {
    if (this.#shown) this.#closed.add(this.#shown.questionId);
    if (this.#shown?.picture) URL.revokeObjectURL(this.#shown.picture);
    this.#show(undefined);
  }

  #of(questionId: string): Analysis {
    const known = this.#shown;
    return known?.questionId === questionId ? known : { questionId, state: "reading", fraction: 0, partial: {} };
  }

  #show(analysis: Analysis | undefined): void {
    this.#shown = analysis;
    for (const changed of [...this.#listeners]) changed();
  }
}
