/**
 * The offline queue: messages from `emit` to their answer, with ids, priorities, retries and bounds. Sans-I/O.
 *
 * A message is ready (to be sent), in flight (sent, not answered) or delayed (refused for now). A lost connection makes
 * what was in flight ready again, under the ids it had, so that the server recognises it.
 */

import { BonsaiError } from "./errors.ts";
import { byteLength } from "./frames.ts";

/** The order of sending among what is queued. */
export type Priority = "high" | "normal" | "low";
const PRIORITIES: string[] = ["high", "normal", "low"];

/** Messages that may be sent and unanswered at a time. */
const MAX_IN_FLIGHT = 100;

/** A message that has no final answer yet. */
export interface Pending {
  /** 0 until ids are known: see `Queue.open`. */
  id: number;
  readonly event: string;
  /** 0 high, 1 normal, 2 low. */
  readonly rank: number;
  /** The payload as JSON: a resend has the same content, even if the caller changed the data since. */
  readonly json: string;
  readonly attachment?: Uint8Array | undefined;
  /** For this connection alone: not kept, and forgotten when it is lost. */
  readonly passing?: boolean | undefined;
  /** Of a `request`: told the final answer. */
  settle?: ((error: BonsaiError | undefined, data?: unknown) => void) | undefined;
  /** Bytes that it holds. */
  size: number;
  refusals: number;
  /** When it may be sent again. */
  due: number;
  inFlight: boolean;
  wasSent: boolean;
}

/** What is kept of a message. */
export type Kept = Pick<Pending, "id" | "event" | "rank" | "json" | "attachment">;

/** Where messages survive the page. */
export interface Keeper {
  add(message: Kept): void;
  remove(id: number): void;
  /** Called when ids up to this one are about to be given; `Queue.reserved` says when that is safe. */
  reserve(id: number): void;
}

/** Where a queue begins. */
export interface Start {
  /** The first id to give. */
  readonly nextId: number;
  /** The last id that may be sent, for now. */
  readonly reserved: number;
  /** Messages of an earlier run, to send again first, by rising id. */
  readonly kept: Kept[];
}

/** Bounds of a queue. */
export interface Bounds {
  maxMessages: number;
  maxBytes: number;
}

export class Queue {
  readonly #bounds: Bounds;
  /** By rising id, so that the first is the oldest. */
  readonly #all = new Map<number, Pending>();
  /** Taken before ids are known. */
  #early: Pending[] = [];
  #keeper: Keeper | undefined;
  #nextId = 0;
  #bytes = 0;
  #inFlight = 0;
  /** The last id that may be sent: one that will never be given again, whatever happens to this page. */
  reserved = 0;
  /**
   * How far ahead of the oldest unanswered id another may be sent. The server tells new ids from old ones within a
   * window; a low-priority message must not fall out of it while newer ones overtake.
   */
  span = 900;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Messages without a final answer. */
  get length(): number {
    return this.#all.size + this.#early.length;
  }

  /** Ids are known from now on. */
  open(start: Start, keeper?: Keeper): void {
    this.reserved = start.reserved;
    for (const { id, event, rank, json, attachment } of start.kept) {
      const pending = { ...message(event, rank, json, attachment), id, wasSent: true };
      this.#all.set(id, pending);
      this.#bytes += pending.size;
    }
    this.#nextId = start.nextId;
    this.#keeper = keeper;
    const early = this.#early;
    this.#early = [];
    for (const pending of early) this.#enrol(pending);
  }

  /** Take a message. Throws `queue_full`; then nothing changed. */
  add(event: string, priority: string, json: string, attachment?: Uint8Array, passing?: boolean): Pending {
    const rank = PRIORITIES.indexOf(priority);
    const pending: Pending = { ...message(event, rank < 0 ? 1 : rank, json, attachment), passing };
    const { maxMessages, maxBytes } = this.#bounds;
    if (this.length >= maxMessages || this.#bytes + pending.size > maxBytes) {
      throw new BonsaiError(
        "queue_full",
        `${event} was not taken: ${this.length} messages (${this.#bytes} bytes) wait for an answer already`,
        { event },
      );
    }
    this.#bytes += pending.size;
    if (this.#nextId) this.#enrol(pending);
    else this.#early.push(pending);
    return pending;
  }

  /** The next message to send, or undefined: none at the moment. */
  next(now: number): Pending | undefined {
    if (this.#inFlight >= MAX_IN_FLIGHT) return undefined;
    let best: Pending | undefined;
    let horizon = 0;
    for (const pending of this.#all.values()) {
      horizon ||= Math.min(this.reserved, pending.id + this.span);
      if (pending.id > horizon) break;
      if (pending.inFlight || pending.due > now) continue;
      if (!best || pending.rank < best.rank) best = pending;
      if (!best.rank) break;
    }
    return best;
  }

  /** It leaves. */
  sent(pending: Pending): void {
    pending.inFlight = pending.wasSent = true;
    this.#inFlight++;
  }

  /** Its final answer came, or nobody wants it any more: forget it. */
  done(pending: Pending): void {
    if (this.#early.includes(pending)) this.#early = this.#early.filter((other) => other !== pending);
    else if (!this.#all.delete(pending.id)) return;
    this.#land(pending);
    this.#bytes -= pending.size;
    if (pending.id && !pending.passing) this.#keeper?.remove(pending.id);
  }

  /** It was refused for now: send it again at `due`, under the same id. */
  delay(pending: Pending, due: number): void {
    this.#land(pending);
    pending.refusals++;
    pending.due = due;
  }

  /** The message with this id, if it has no final answer yet. */
  get(id: number): Pending | undefined {
    return this.#all.get(id);
  }

  /** The oldest message, when it is refused again and again and holds up others that are `span` ids newer. */
  blocker(): Pending | undefined {
    const oldest = this.#all.values().next().value;
    if (this.#inFlight >= MAX_IN_FLIGHT) return undefined;
    return oldest?.refusals && !oldest.inFlight && this.#nextId - 1 > oldest.id + this.span ? oldest : undefined;
  }

  /** When the first delayed message is due; Infinity when none is. */
  due(now: number): number {
    let due = Infinity;
    for (const pending of this.#all.values()) {
      if (!pending.inFlight && pending.due > now) due = Math.min(due, pending.due);
    }
    return due;
  }

  /** The connection is gone: everything in flight is to be sent again, oldest first. Returns what was only for it. */
  disconnected(): Pending[] {
    const passing = [...this.#all.values()].filter((pending) => pending.passing);
    for (const pending of passing) this.done(pending);
    for (const pending of this.#all.values()) this.#land(pending);
    return passing;
  }

  /** Every message, for whoever waits for an answer. */
  messages(): Pending[] {
    return [...this.#all.values(), ...this.#early];
  }

  #enrol(pending: Pending): void {
    pending.id = this.#nextId++;
    this.#keeper?.reserve(pending.id);
    if (!pending.passing) this.#keeper?.add(pending);
    this.#all.set(pending.id, pending);
  }

  #land(pending: Pending): void {
    if (pending.inFlight) {
      pending.inFlight = false;
      this.#inFlight--;
    }
  }
}

function message(event: string, rank: number, json: string, attachment?: Uint8Array): Pending {
  const size = byteLength(json) + (attachment?.length ?? 0);
  return { id: 0, event, rank, json, attachment, size, refusals: 0, due: 0, inFlight: false, wasSent: false };
}
