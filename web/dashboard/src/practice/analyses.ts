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
  /** The one that is shown: the newest. */
  #shown: Analysis | undefined;

  constructor(client: WebSocketClient) {
    this.#client = client;
    client.on("question:progress", ({ questionId, stage, fraction, partial }) => {
      const before = this.#of(questionId);
      this.#show({ ...before, state: "reading", stage, fraction, partial: { ...before.partial, ...partial } });
    });
    client.on("question:analyzed", ({ questionId, analysis }) => {
      this.#show({ ...this.#of(questionId), state: "done", fraction: 1, found: analysis });
    });
    client.on("question:error", ({ questionId, message }) => {
      this.#show({ ...this.#of(questionId), state: "failed", problem: message });
    });
  }

  get = (): Analysis | undefined => this.#shown;

  subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  };

  /** Analyse a picture. */
  async send(image: File | Blob): Promise<void> {
    const questionId = `shot-${crypto.randomUUID()}`;
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
