/** What leaves next, and what becomes of it: queued messages by priority, paced, gathered into batches, and answered. */

import { Pacer, retryDelay } from "./backoff.ts";
import { type ClientConfig, log } from "./config.ts";
import { BonsaiError, type ErrorData } from "./errors.ts";
import { byteLength, encodeBinary, encodeFrame, MAX_BATCH } from "./frames.ts";
import type { Joined } from "./names.ts";
import { type Pending, Queue } from "./queue.ts";

/** What a server takes that does not say, in bytes. */
const MAX_MESSAGE = 65_536;
/** Errors that pass: the message is sent again, under the same id. */
const RETRIED = ["overloaded", "rate_limited", "plugin_unavailable", "handler_timeout"];

export class Outbox {
  readonly queue: Queue;
  readonly #config: ClientConfig;
  readonly #pacer: Pacer;
  readonly #fail: (error: BonsaiError) => void;
  #limits: Partial<Joined["limits"]> = {};

  /** @param fail told of refusals that nobody waits for. */
  constructor(config: ClientConfig, fail: (error: BonsaiError) => void) {
    this.#config = config;
    this.#fail = fail;
    const { maxMessages = 1000, maxBytes = 32 << 20 } = config.queue ?? {};
    this.queue = new Queue({ maxMessages, maxBytes });
    this.#pacer = new Pacer(config.rateLimit ?? { maxRequests: 0, windowMs: 1 }, performance.now());
  }

  /** A new connection, with its limits. */
  joined(limits: Joined["limits"]): void {
    this.#limits = limits;
    this.queue.span = Math.min(900, (limits.idWindow ?? Infinity) * 0.9);
    if (!this.#config.rateLimit) this.#pacer.change(limits, performance.now());
  }

  /** The next WebSocket message, of one or several frames; undefined when nothing may be sent now: see `wait`. */
  next(now: number): string | Uint8Array<ArrayBuffer> | undefined {
    const { maxMessageBytes = MAX_MESSAGE, maxAttachmentBytes = Infinity } = this.#limits;
    const frames: string[] = [];
    let room = maxMessageBytes - 2;
    while (!this.#pacer.wait(now) && frames.length < MAX_BATCH) {
      const pending = this.queue.next(now);
      if (!pending) {
        const blocker = frames.length ? undefined : this.queue.blocker();
        if (!blocker) break;
        this.#give(blocker, "overloaded", "was refused again and again");
        continue;
      }
      const frame = encodeFrame(pending.event, pending.json, pending.id);
      const size = byteLength(frame);
      const { attachment } = pending;
      if (size > maxMessageBytes || (attachment?.length ?? 0) > maxAttachmentBytes) {
        this.#give(pending, "too_large", "is larger than the server takes"); // it would close the connection
        continue;
      }
      if (frames.length && (attachment || size > room)) break;
      this.#pacer.spend(now);
      this.queue.sent(pending);
      log(this.#config, `sent ${pending.event}#${pending.id}`);
      if (attachment) return encodeBinary(frame, attachment);
      frames.push(frame);
      room -= size + 1;
    }
    return frames.length > 1 ? `[${frames}]` : frames[0];
  }

  /**
   * Milliseconds after which `next` may have something; Infinity: not before something else happens. To be asked with
   * the very time at which `next` had nothing: what is due between the two would be waited for forever.
   */
  wait(now: number): number {
    return this.queue.length ? this.#pacer.wait(now) || this.queue.due(now) - now : Infinity;
  }

  /** An `ack` or `error` came for this id. */
  answered(id: number, error: ErrorData | undefined, data: unknown): void {
    const pending = this.queue.get(id);
    if (!pending) return; // answered before: a resend was answered twice
    if (!error) {
      this.finish(pending, undefined, data);
    } else if (RETRIED.includes(error.code ?? "")) {
      const { code, details, retryAfterMs } = error;
      const now = performance.now();
      let due = now + retryDelay(pending.refusals, retryAfterMs);
      if (code === "rate_limited") this.#pacer.hold(now + (retryAfterMs ?? 0));
      // Nothing can be stored: all wait together, so that they go out again in the order of their ids.
      else if ((details as { reason?: string } | null)?.reason === "storage") due = this.#pacer.hold(due);
      this.queue.delay(pending, due);
    } else {
      this.finish(pending, serverError(error, pending));
    }
  }

  /** A message has its final answer. */
  finish(pending: Pending, error?: BonsaiError, answer?: unknown): void {
    this.queue.done(pending);
    if (pending.settle) pending.settle(error, answer);
    else if (error) this.#fail(error);
  }

  /** Nobody needs to wait for answers: they will not come, or not soon. */
  settleAll(error: BonsaiError): void {
    for (const pending of this.queue.messages()) {
      const { settle } = pending;
      pending.settle = undefined;
      settle?.(error);
    }
  }

  #give({ event, id }: Pending, code: string, why: string): void {
    this.finish(this.queue.get(id) as Pending, new BonsaiError(code, `${event} ${why}`, { event, id }));
  }
}

/** The error of an error frame. */
export function serverError(data: ErrorData | undefined, pending?: Pending): BonsaiError {
  const { code = "refused", message = "" } = data ?? {};
  return new BonsaiError(code, message, { ...data, ...(pending && { event: pending.event, id: pending.id }) });
}
