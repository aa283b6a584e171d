/**
 * The session's shared state: what all windows and devices of a student have in common. A change is seen here at once, and
 * told to the others as soon as there is a connection.
 */

import type { BonsaiError, WebSocketClient } from "@bonsai/client";
import { merge, type Patch } from "./merge.ts";

/** The state as it is here. */
export interface Shared {
  /** With the changes that the server has not confirmed. */
  state: Record<string, unknown>;
  /** Of the server's state. */
  version: number;
  /** False until the server has told the state. */
  known: boolean;
}

interface Change {
  patch: Patch;
  /** The version that it made; undefined until it is confirmed. */
  made?: number;
}

const states = new WeakMap<WebSocketClient, SharedState>();

/** The shared state of a client's session; it listens from the first call on. */
export function sharedStateOf(client: WebSocketClient): SharedState {
  const state = states.get(client) ?? new SharedState(client);
  states.set(client, state);
  return state;
}

export class SharedState {
  readonly #client: WebSocketClient;
  readonly #listeners = new Set<() => void>();
  #confirmed: Record<string, unknown> = {};
  #version = 0;
  #known = false;
  #changes: Change[] = [];
  #shown: Shared = { state: {}, version: 0, known: false };

  constructor(client: WebSocketClient) {
    this.#client = client;
    client.on("session:state", ({ state, version }) => {
      this.#confirmed = state;
      this.#version = version;
      this.#known = true;
      this.#settle();
    });
    client.on("session:update", ({ patch, version }) => {
      if (version <= this.#version) return; // part of a state that was told in full
      this.#confirmed = merge(this.#confirmed, patch);
      this.#version = version;
      this.#settle();
    });
    if (client.state === "joined") client.request("session:state").catch(() => undefined);
  }

  get = (): Shared => this.#shown;

  subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  };

  /** Change it, here at once and everywhere in time. */
  patch(patch: Patch): void {
    const change: Change = { patch };
    this.#changes.push(change);
    this.#settle();
    this.#client.request("session:update", { patch }, { timeout: 0 }).then(
      (ack) => {
        change.made = ack.version;
        this.#settle();
      },
      () => this.#drop(change),
    );
  }

  /** Change it if nobody has since; false when somebody has, or where that cannot be told now. */
  async claim(patch: Patch): Promise<boolean> {
    if (!this.#known || this.#changes.length > 0) return false;
    try {
      await this.#client.request("session:update", { patch, version: this.#version }, { timeout: 10_000 });
      return true;
    } catch (error) {
      if ((error as BonsaiError).code === "version_conflict") return false;
      throw error;
    }
  }

  #drop(change: Change): void {
    this.#changes = this.#changes.filter((one) => one !== change);
    this.#settle();
  }

  #settle(): void {
    this.#changes = this.#changes.filter(({ made }) => made === undefined || made > this.#version);
    const state = this.#changes.reduce((sum, { patch }) => merge(sum, patch), this.#confirmed);
    this.#shown = { state, version: this.#version, known: this.#known };
    for (const changed of [...this.#listeners]) changed();
  }
}
