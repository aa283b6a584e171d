/** The client as applications see it. */

import { type ClientConfig, checkConfig } from "./config.ts";
import { Engine, type State, type Status } from "./engine.ts";
import { BonsaiError } from "./errors.ts";
import type { ExtensionSync, VisionMetadata } from "./events.ts";
import { bytesOf, type Message } from "./frames.ts";
import type { Listener } from "./listeners.ts";
import type { Acks, ClientEvents, Joined, ServerEvents } from "./names.ts";
import type { Position } from "./positions.ts";
import type { Pending, Priority } from "./queue.ts";

/** What timers can count to: a longer timeout is none. */
const MAX_TIMER = 2 ** 31;

/** Options of `emit`. */
export interface EmitOptions {
  /** The order of sending among what is queued. Default `normal`. */
  priority?: Priority;
  /** Bytes that travel with the message in a binary frame; the payload's field for them is left out. */
  attachment?: Uint8Array;
}

/** Options of `request`. */
export interface RequestOptions extends EmitOptions {
  /**
   * Milliseconds for everything, reconnects and retries included; then the message is not sent again. 0: no end.
   * Default 30,000.
   */
  timeout?: number;
}

/** Options of `sendScreenshot`. */
export interface ScreenshotOptions {
  /** The extension that took it; without one, it is sent as a question to analyse. */
  extensionId?: string;
  /** What the client calls the question. */
  questionId?: string;
  /** Keep the picture, where the operator has given a folder for that. */
  store?: boolean;
  /** Of an extension's screenshot: where it was taken. */
  metadata?: VisionMetadata;
  /** As of `request`; default 60,000. */
  timeout?: number;
  /** As of `emit`. */
  priority?: Priority;
}

/** Events of the client itself. */
export interface LocalEvents {
  /** The state or the number of pending messages changed. */
  status: Status;
  /** An emitted message was refused, or the connection failed, also when it is being made again (`lost`). */
  error: BonsaiError;
  /** Every frame of the server, but answers and heartbeats. */
  "*": unknown;
}

type Known = ServerEvents & LocalEvents;
/** What listeners of an event get. */
export type Received<E extends string> = E extends keyof Known ? Known[E] : unknown;
/** What is sent with an event. */
export type Sent<E extends string> = E extends keyof ClientEvents ? ClientEvents[E] : unknown;
/** What the ack of an event carries. */
export type Ack<E extends string> = E extends keyof Acks ? Acks[E] : unknown;
/** `data` may be left out where nothing in it is required. */
export type SendArguments<E extends string, Options> =
  Record<never, never> extends Sent<E> ? [data?: Sent<E>, options?: Options] : [data: Sent<E>, options?: Options];
/** A name that is known, or any other. */
export type EventName<Events> = (keyof Events & string) | (string & Record<never, never>);
/** Called with the data of a frame, and the frame. */
export type EventListener<E extends string> = (data: Received<E>, message: Message<Received<E>>) => void;

/** Makes a client. Nothing happens before `connect`, so that it may be made anywhere, also on a server that renders. */
export function createWebSocketClient(config: ClientConfig): WebSocketClient {
  return new WebSocketClient(config);
}

/** A client of a Bonsai Real-Time server. Made by `createWebSocketClient`. */
export class WebSocketClient {
  readonly #engine: Engine;
  #over = false;
  /** The newest `extension:sync` of each extension. */
  readonly #syncs = new Map<string, Pending>();

  constructor(config: ClientConfig) {
    checkConfig(config);
    this.#engine = new Engine(config);
  }

  /** What it is doing, in one word. */
  get state(): State {
    return this.#engine.state;
  }

  /** What it is doing; `on("status", ...)` tells of changes. */
  get status(): Status {
    return this.#engine.status;
  }

  /** What the server said at the latest join; undefined before the first. */
  get joined(): Joined | undefined {
    return this.#engine.joined;
  }

  /**
   * Up to where each room was received. Who keeps what messages have told, keeps this with it, and gives it back as
   * `resume` in its next run, gets what came meanwhile, once.
   */
  get positions(): Record<string, Position> {
    return this.#engine.positions.known;
  }

  // Life

  /** Connect and stay connected. Resolves once joined; rejects when the server refuses for good, or attempts run out. */
  connect(): Promise<Joined> {
    const promise = new Promise<Joined>((resolve, reject) => {
      this.#check("connect");
      this.#engine.start(resolve, reject);
    });
    promise.catch(() => undefined); // who does not wait for it has `status` and `error`
    return promise;
  }

  /**
   * Go offline: messages queue up, and `connect` comes back and resumes.
   *
   * With `leave` the session is left for good: the other devices are told so, not that this one was lost.
   */
  disconnect({ leave = false } = {}): void {
    if (leave) this.#engine.leave();
    this.#engine.stop("idle", new BonsaiError("closed", "the client was disconnected"));
  }

  /** Disconnect, give up what has no answer (kept messages are sent by the next page), and let go of everything. */
  close(options?: { leave?: boolean }): void {
    this.disconnect(options);
    this.#over = true;
    this.#engine.outbox.settleAll(new BonsaiError("closed", "the client was closed"));
    this.#engine.release();
  }

  /** Use another token from now on; while joined, it is renewed in place. For pages without a `tokenProvider`. */
  refreshToken(token: string, expiresAt?: number): void {
    this.#engine.tokens.replace(token, expiresAt);
    this.#engine.sendToken(token);
  }

  // Sending

  /**
   * Queue a message. It is sent, and resent, until the server has answered; a refusal reaches the listeners of `error`.
   * Throws `queue_full`, or TypeError when `data` is not JSON.
   */
  emit<E extends EventName<ClientEvents>>(event: E, ...[data, options]: SendArguments<E, EmitOptions>): void {
    this.#add(event, data, options);
  }

  /** Send a message and return the data of its ack. Rejects with BonsaiError when it is refused, or not answered in time. */
  request<E extends EventName<ClientEvents>>(
    event: E,
    ...[data, options = {}]: SendArguments<E, RequestOptions>
  ): Promise<Ack<E>> {
    return new Promise((resolve, reject) => {
      const pending = this.#add(event, data, options);
      const { timeout = 30_000 } = options;
      const expire = (): void => {
        const { id, wasSent: sent } = pending;
        const outcome = sent ? "it was sent, so it may have taken effect" : "it was never sent";
        const error = new BonsaiError("timeout", `no answer to ${event} in time; ${outcome}`, { event, id, sent });
        this.#engine.outbox.finish(pending, error);
        this.#engine.wake();
      };
      const timer = timeout > 0 && timeout < MAX_TIMER ? setTimeout(expire, timeout) : undefined;
      pending.settle = (error, answer) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(answer as Ack<E>);
      };
    });
  }

  /** Tell how a browser extension is. Of what could not be sent yet, only the newest is; its answer is that of all. */
  syncExtension(sync: ExtensionSync): Promise<Acks["extension:sync"]> {
    const promise = new Promise<Acks["extension:sync"]>((resolve, reject) => {
      const pending = this.#add("extension:sync", sync);
      const older = this.#syncs.get(sync.extensionId);
      const superseded = older && !older.wasSent ? older.settle : undefined;
      if (older && superseded) this.#engine.outbox.queue.done(older);
      this.#syncs.set(sync.extensionId, pending);
      pending.settle = (error, answer) => {
        superseded?.(error, answer);
        if (error) reject(error);
        else resolve(answer as Acks["extension:sync"]);
      };
    });
    promise.catch(() => undefined);
    return promise;
  }

  /**
   * Send a picture of a question (PNG, JPEG, WebP) as bytes, without base64. Resolves when it was analysed; the stages
   * and the analysis come as `question:progress` and `question:analyzed`.
   */
  async sendScreenshot(
    image: Blob | ArrayBuffer | Uint8Array | string,
    { extensionId, questionId, store, metadata, ...options }: ScreenshotOptions = {},
  ): Promise<Acks["question:analyze"]> {
    const attachment = await bytesOf(image);
    const event: string = extensionId ? "extension:screenshot" : "question:analyze";
    const about = extensionId && { metadata: { timestamp: Date.now(), ...metadata } };
    const data = { extensionId, questionId, store, ...(about || {}) };
    return this.request(event, data, { timeout: 60_000, ...options, attachment }) as Promise<Acks["question:analyze"]>;
  }

  // Receiving

  /** Call `listener(data, message)` for each `event`, in the order of arrival. Returns how to stop that. */
  on<E extends EventName<Known>>(event: E, listener: EventListener<E>): () => void {
    this.#engine.listeners.add(event, listener, false);
    return () => this.off(event, listener);
  }

  /** Like `on`, for the next `event` only. */
  once<E extends EventName<Known>>(event: E, listener: EventListener<E>): () => void {
    this.#engine.listeners.add(event, listener, true);
    return () => this.off(event, listener);
  }

  /** Stop calling `listener`, or all listeners of `event`. */
  off(event: string, listener?: Listener): void {
    this.#engine.listeners.remove(event, listener);
  }

  #add(event: string, data: unknown, { priority, attachment }: EmitOptions = {}): Pending {
    this.#check(event);
    return this.#engine.add(event, data, priority, attachment);
  }

  #check(what: string): void {
    if (this.#over) throw new BonsaiError("closed", `${what} was not taken: the client was closed`);
  }
}
