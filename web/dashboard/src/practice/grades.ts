/** How answers were graded, from all of the student's windows: heard from the first moment on, before the view is there. */

import type { WebSocketClient } from "@bonsai/client";
import { useWebSocket } from "@bonsai/react";
import { useSyncExternalStore } from "react";

type Grades = ReadonlyMap<string, boolean>;

const books = new WeakMap<WebSocketClient, GradeBook>();

/** The grades of a client's session; it listens from the first call on. */
export function gradesOf(client: WebSocketClient): GradeBook {
  const book = books.get(client) ?? new GradeBook(client);
  books.set(client, book);
  return book;
}

class GradeBook {
  #grades: Grades = new Map();
  readonly #listeners = new Set<() => void>();

  constructor(client: WebSocketClient) {
    client.on("analytics:performance", ({ questionId, correct }) => {
      this.#grades = new Map([...this.#grades, [questionId, correct]]);
      for (const changed of [...this.#listeners]) changed();
    });
  }

  get = (): Grades => this.#grades;

  subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  };
}

/** By question, whether the latest answer was right. */
export function useGrades(): Grades {
  const { client } = useWebSocket();
  const book = gradesOf(client);
  return useSyncExternalStore(book.subscribe, book.get);
}
