/** What the student has written to the coach, on any device: `@bonsai/react` keeps what the coach writes. */

import type { BonsaiError, Payloads, WebSocketClient } from "@bonsai/client";
import { useWebSocket } from "@bonsai/react";
import { useSyncExternalStore } from "react";

/** A message of the student's. */
export interface Said {
  id: string;
  text: string;
  createdAt: number;
  /** Not yet with the server. */
  waiting?: boolean;
  /** Why it was not taken. */
  problem?: string;
}

const books = new WeakMap<WebSocketClient, Book>();

/** Messages kept. */
const MOST = 50;

class Book {
  #said: Said[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #client: WebSocketClient;

  constructor(client: WebSocketClient) {
    this.#client = client;
    client.on("coaching:said", (said: Payloads.CoachingSaid) => this.#put(said.id, said));
  }

  get = (): Said[] => this.#said;

  subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  };

  say = (text: string, questionId: string | undefined): void => {
    const id = `own-${crypto.randomUUID()}`;
    this.#put(id, { id, text, createdAt: Date.now(), waiting: true });
    this.#client.request("coaching:message", { text, questionId }, { timeout: 0 }).then(
      (ack) => this.#put(id, { id: ack.id, text, createdAt: this.#said.find((one) => one.id === id)?.createdAt ?? 0 }),
      (error: BonsaiError) => this.#put(id, { id, text, createdAt: Date.now(), problem: error.message }),
    );
  };

  #put(id: string, said: Said): void {
    const others = this.#said.filter((one) => one.id !== id && one.id !== said.id);
    this.#said = [...others, said].slice(-MOST);
    for (const changed of [...this.#listeners]) changed();
  }
}

/** What the student has written to a client's coach; it listens from the first call on. */
export function bookOf(client: WebSocketClient): Book {
  const book = books.get(client) ?? new Book(client);
  books.set(client, book);
  return book;
}

/** What the student has written since the page was opened, and how to write. */
export function useSaid(): [Said[], Book["say"]] {
  const { client } = useWebSocket();
  const book = bookOf(client);
  return [useSyncExternalStore(book.subscribe, book.get), book.say];
}
