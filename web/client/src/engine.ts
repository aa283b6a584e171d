/** Connects, joins, reads, writes, notices death, and comes back, until it is stopped or refused. */

import { Backoff, delayIn, judgeClose, STABLE_AFTER } from "./backoff.ts";
import { type ClientConfig, log, socketAddress } from "./config.ts";
import { BonsaiError } from "./errors.ts";
import { byteLength, encodeFrame, type Message, type ServerFrame } from "./frames.ts";
import { type Journal, newId, openJournal } from "./journal.ts";
import { Link } from "./link.ts";
import { Listeners } from "./listeners.ts";
import type { Joined } from "./names.ts";
import { Outbox, serverError } from "./outbox.ts";
import { MAX_ROOMS, Positions } from "./positions.ts";
import type { Pending } from "./queue.ts";
import { Tokens } from "./tokens.ts";

/** Largest first frame that a server reads, in bytes. */
const MAX_CONNECT = 8192;

/** `waiting`: for the next attempt. `closed`: refused for good, or given up; `connect()` begins anew. */
export type State = "idle" | "connecting" | "joined" | "waiting" | "closed";

/** What the client is doing. A new object at each change, and the same one until then. */
export interface Status {
  readonly state: State;
  /** Messages that have no final answer yet: what is queued offline, and what is under way. */
  readonly pending: number;
  /** While waiting: when the next attempt is made, in milliseconds since the epoch. */
  readonly retryAt?: number;
  /** While waiting or closed: why. */
  readonly error?: BonsaiError;
}

type Timer = ReturnType<typeof setTimeout> | undefined;

export class Engine {
  readonly listeners = new Listeners();
  readonly outbox: Outbox;
  readonly tokens: Tokens;
  status: Status = { state: "idle", pending: 0 };
  /** What the server said at the latest join. */
  joined: Joined | undefined;
  readonly positions: Positions;
  readonly #config: ClientConfig;
  #backoff = new Backoff();
  #waiters: [(joined: Joined) => void, (error: BonsaiError) => void][] = [];
  #link: Link | undefined;
  /** Rises with every attempt and end: what an earlier one waited for is void. */
  #run = 0;
  #attemptTimer: Timer;
  #sendTimer: Timer;
  #stableTimer: Timer;
  /** No attempt before this time, even if somebody looks: the server has asked for that. */
  #notBefore = 0;
  #woken = false;
  #opening: Promise<void> | undefined;
  #journal: Journal | undefined;
  #clientId = "";
  // Who we are to the server, which fills in what was left open; reconnects repeat it.
  #userId: string | undefined;
  #sessionId: string | undefined;
  #deviceId: string | undefined;

  constructor(config: ClientConfig) {
    this.#config = config;
    this.positions = new Positions(config.resume);
    this.outbox = new Outbox(config, (error) => this.fail(error));
    this.tokens = new Tokens(config.auth ?? {});
    this.#userId = config.auth?.userId;
    this.#sessionId = config.auth?.sessionId;
    this.#deviceId = config.device?.id;
  }

  get state(): State {
    return this.status.state;
  }

  /** Begin, unless it has begun. Told of the join, or of why there will be none. */
  start(resolve: (joined: Joined) => void, reject: (error: BonsaiError) => void): void {
    if (this.state === "joined") resolve(this.joined as Joined);
    else this.#waiters.push([resolve, reject]);
    if (this.state !== "idle" && this.state !== "closed") return;
    this.#backoff = new Backoff(this.#config.reconnect);
    this.#hearken("addEventListener");
    void this.#attempt();
  }

  /** No more attempts. */
  stop(state: "idle" | "closed", error: BonsaiError): void {
    this.#away();
    this.#hearken("removeEventListener");
    for (const [, reject] of this.#waiters.splice(0)) reject(error);
    if (state === "idle") {
      this.#set({ state });
    } else {
      this.#set({ state, error });
      this.outbox.settleAll(error);
      this.fail(error);
    }
  }

  /** Tell the server that we leave for good. */
  leave(): void {
    if (this.state === "joined") this.#link?.send(encodeFrame("user:disconnect", "{}"));
  }

  /** Let go of what is kept for the next page, also while it is being opened. */
  release(): void {
    void Promise.resolve(this.#opening).then(() => {
      this.#journal?.close();
      this.#journal = undefined;
    });
  }

  /** Renew the token in place. Never kept, and forgotten with the connection: the next one begins with it. */
  sendToken(token: string): void {
    if (this.state !== "joined") return;
    this.add("auth:refresh", { token }, "high", undefined, true).settle = (error) => {
      if (error) this.fail(error);
    };
  }

  /** Queue a message. Throws `queue_full`, TypeError. */
  add(event: string, data: unknown, priority = "normal", attachment?: Uint8Array, passing?: boolean): Pending {
    const json = JSON.stringify(data ?? {});
    if (json === undefined) throw new TypeError(`the data of ${event} is not JSON`);
    const pending = this.outbox.queue.add(event, priority, json, attachment, passing);
    this.wake();
    return pending;
  }

  /** Soon, once for all that happens in this tick: tell the number of pending messages, and send what may be sent. */
  wake(): void {
    if (this.#woken) return;
    this.#woken = true;
    queueMicrotask(() => {
      this.#woken = false;
      this.#set({});
      this.#send();
    });
  }

  /** Tell of an error; where nobody listens, the console, except of what `status` tells and time heals. */
  fail(error: BonsaiError): void {
    const told = this.listeners.tell(["error"], error) || error.code === "lost";
    if (!told) console.warn(`bonsai: ${error.code}: ${error.message}`);
  }

  // The loop

  async #attempt(): Promise<void> {
    const run = ++this.#run;
    this.#set({ state: "connecting" });
    this.#opening ??= this.#open();
    await this.#opening;
    if (run !== this.#run) return;
    let token: string | undefined;
    try {
      token = await this.tokens.current();
    } catch (error) {
      if (run !== this.#run) return;
      if (error instanceof BonsaiError) this.stop("closed", error);
      else this.#retry(0, new BonsaiError("lost", `the tokenProvider failed: ${(error as Error)?.name}`));
      return;
    }
    if (run !== this.#run) return;
    try {
      this.#link = new Link(this.#config.WebSocket ?? WebSocket, socketAddress(this.#config.url), {
        hello: () => this.#hello(token),
        frame: (frame, attachment) => this.#frame(frame, attachment),
        end: (code, reason, broken) => this.#ended(code, reason, broken),
      });
    } catch (error) {
      this.stop("closed", new BonsaiError("refused", String(error)));
    }
  }

  /** Find out under which clientId and ids to send. Never rejects. */
  async #open(): Promise<void> {
    const { auth, queue: { persist = false } = {} } = this.#config;
    const { queue } = this.outbox;
    if (persist) {
      this.#journal = await openJournal(`bonsai/${persist === true ? "" : persist}/${auth?.userId}`, (id) => {
        queue.reserved = id;
        this.wake();
      });
    }
    const journal = this.#journal;
    this.#clientId = journal?.clientId ?? newId();
    this.#sessionId ??= journal?.sessionId;
    queue.open(journal ?? { nextId: 1, reserved: Infinity, kept: [] }, journal);
  }

  #hello(token: string | undefined): string {
    const { device = {} } = this.#config;
    log(this.#config, "sent user:connect");
    for (let rooms = MAX_ROOMS; ; rooms >>= 1) {
      const frame = encodeFrame(
        "user:connect",
        JSON.stringify({
          token,
          userId: this.#config.auth?.userId,
          sessionId: this.#sessionId,
          clientId: this.#clientId,
          device: { ...device, kind: device.kind ?? "web", id: this.#deviceId },
          resume: this.positions.offer(rooms),
          batch: true,
        }),
      );
      if (!rooms || byteLength(frame) <= MAX_CONNECT) return frame;
    }
  }

  #frame(frame: ServerFrame, attachment?: Uint8Array): void {
    const { event, id, room, offset } = frame;
    log(this.#config, `received ${event}${id ? `#${id}` : ""}${room ? ` ${room}@${offset}` : ""}`);
    // biome-ignore lint/suspicious/noExplicitAny: what the server says, by the protocol
    const data = frame.data as any;
    if (this.state !== "joined" && !this.#welcomed(event, data)) return;
    if (event === "ack" || event === "error") {
      if (id) this.outbox.answered(id, event === "error" ? (data ?? {}) : undefined, data);
      else this.fail(serverError(data));
      this.wake();
      return;
    }
    if (room && offset) {
      const decision = this.positions.decide(room, offset, frame.epoch);
      if (decision === "gap") throw new Error(`a message of ${room} is missing before ${offset}`);
      if (decision === "duplicate") return;
    }
    if (event === "room:joined") this.positions.enter(data.room, data.epoch, data.offset);
    if (event === "room:left") this.positions.leave(data.room);
    if (event === "auth:expiring" && this.tokens.canRenew) {
      // Should it fail, the old token stays, and the server says 4401 when it is too late.
      this.tokens.renew().then(
        (token) => this.sendToken(token),
        () => undefined,
      );
    }
    const { ts } = frame;
    const message: Message = {
      event,
      data,
      ...(room && { room }),
      ...(offset && { offset }),
      ...(ts && { ts }),
      ...(attachment && { attachment }),
    };
    this.listeners.tell([event, "*"], data, message);
  }

  /** Take a frame that comes before the join; true when it was the join. */
  // biome-ignore lint/suspicious/noExplicitAny: what the server says, by the protocol
  #welcomed(event: string, data: any): boolean {
    if (event === "user:joined") this.#join(data);
    else if (event === "error" && ["invalid_payload", "bad_frame"].includes(data?.code)) {
      // The connection stays open, but the next try will be no better.
      this.stop("closed", new BonsaiError("refused", `user:connect was refused: ${data.message}`));
    }
    return this.state === "joined";
  }

  #join(joined: Joined): void {
    const { heartbeat, limits, serverTime, tokenExpiresAt } = joined;
    const { interval, timeout } = this.#config.heartbeat ?? {};
    if (this.#userId && this.#userId !== joined.userId) {
      // What is queued was said by the other one.
      this.stop("closed", new BonsaiError("forbidden", "the token is now of another user: make a new client"));
      return;
    }
    this.#userId = joined.userId;
    this.#sessionId = joined.sessionId;
    this.#deviceId = joined.deviceId;
    this.#journal?.remember(joined.sessionId);
    this.positions.joined(joined.rooms);
    this.tokens.accepted(tokenExpiresAt - serverTime + Date.now());
    this.outbox.joined(limits);
    this.#backoff.tries = 0;
    this.#stableTimer = setTimeout(() => {
      this.#backoff.exponent = 0;
    }, STABLE_AFTER);
    this.#link?.watch(
      interval ?? Math.min(20_000, heartbeat.intervalMs || Infinity),
      timeout ?? (heartbeat.timeoutMs || 5000),
    );
    this.joined = joined;
    this.#set({ state: "joined" });
    for (const [resolve] of this.#waiters.splice(0)) resolve(joined);
    this.wake();
  }

  #ended(code: number, reason: string, broken?: boolean): void {
    if (broken) this.positions.broke();
    this.#away();
    const text = `${reason} (${code})`;
    log(this.#config, text);
    const verdict = broken ? "reconnect" : judgeClose(code);
    const name = { 4001: "replaced", 4401: "unauthenticated", 4403: "forbidden" }[code];
    const error = new BonsaiError(name ?? (verdict === "stop" ? "refused" : "lost"), text, { closeCode: code });
    const why = verdict === "refresh" && this.tokens.refuse();
    if (why) this.stop("closed", new BonsaiError("unauthenticated", `${text}; ${why}`, { closeCode: code }));
    else if (verdict === "stop") this.stop("closed", error);
    // The first expired token is everyday business: a new one is tried at once.
    else this.#retry(delayIn(code, reason), error, verdict === "refresh" && this.tokens.refusals === 1);
  }

  #retry(hint: number, error: BonsaiError, atOnce = false): void {
    const wait = this.#backoff.next(hint);
    if (wait === undefined) {
      this.stop("closed", new BonsaiError("unreachable", `${error.message}; no attempts left`, error));
      return;
    }
    const delay = atOnce ? 0 : wait;
    this.#notBefore = Date.now() + hint;
    this.#attemptIn(delay);
    this.#set({ state: "waiting", retryAt: Date.now() + delay, error });
    this.fail(error);
  }

  #attemptIn(delay: number): void {
    clearTimeout(this.#attemptTimer);
    this.#attemptTimer = setTimeout(() => this.#attempt(), delay);
  }

  /** The connection is no more. */
  #away(): void {
    this.#run++;
    for (const timer of [this.#attemptTimer, this.#sendTimer, this.#stableTimer]) clearTimeout(timer);
    this.#link?.close();
    this.#link = undefined;
    this.outbox.queue.disconnected();
  }

  // The world around

  #hearken(method: "addEventListener" | "removeEventListener"): void {
    for (const event of ["online", "offline"]) globalThis[method]?.(event, this.#roused);
    globalThis.document?.[method]("visibilitychange", this.#roused);
  }

  /** Something suggests that the network is back or gone, or that somebody looks again. */
  readonly #roused = ({ type }: Event): void => {
    if (type === "visibilitychange" && document.hidden) return;
    if (this.state === "waiting") this.#attemptIn(Math.max(0, this.#notBefore - Date.now()));
    else this.#link?.probe();
  };

  #send(): void {
    clearTimeout(this.#sendTimer);
    while (this.state === "joined") {
      const now = performance.now();
      const message = this.outbox.next(now);
      if (message) {
        this.#link?.send(message);
        continue;
      }
      const wait = this.outbox.wait(now);
      if (wait < Infinity) this.#sendTimer = setTimeout(() => this.#send(), Math.max(1, wait));
      return;
    }
  }

  #set(changes: Partial<Status>): void {
    const old = this.status;
    const { state, retryAt, error } = changes.state ? (changes as Status) : old;
    const pending = this.outbox.queue.length;
    if (state === old.state && pending === old.pending && error === old.error) return;
    this.status = { state, pending, ...(retryAt && { retryAt }), ...(error && { error }) };
    this.listeners.tell(["status"], this.status);
  }
}
