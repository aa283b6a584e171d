/** One WebSocket connection: opens, joins, tells what arrives, notices its death, ends once. */

import { decode, encodeFrame, type ServerFrame } from "./frames.ts";

/** How long opening, and then joining, may take, in milliseconds. */
const OPEN_TIMEOUT = 10_000;
/** No close frame came (RFC 6455 section 7.1.5). */
const ABNORMAL = 1006;

export interface LinkHandlers {
  /** The connection is open: the first frame to send. */
  hello(): string;
  /** A frame, with the bytes that came with it. Throws when it cannot be what the server meant. */
  frame(frame: ServerFrame, attachment?: Uint8Array): void;
  /** The end, told once, and never after `close`. `broken`: what came over it was wrong. */
  end(code: number, reason: string, broken?: boolean): void;
}

export class Link {
  readonly #socket: WebSocket;
  readonly #handlers: LinkHandlers;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heard = 0;
  /** A ping was sent, and nothing came since. */
  #asked = false;
  #interval = 0;
  #timeout = 0;

  constructor(Socket: typeof WebSocket, url: string, handlers: LinkHandlers) {
    this.#handlers = handlers;
    const socket = new Socket(url, "bonsai.v1");
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    this.#expect("no connection");
    socket.onopen = () => {
      this.#expect("no user:joined");
      socket.send(handlers.hello());
    };
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = ({ code, reason }) => this.#end(code, reason || "the connection was lost");
    // The close event follows and says as much: browsers tell pages nothing about failures.
    socket.onerror = () => {};
  }

  /** Joined: from now on a ping is sent when nothing came for `interval` ms, and nothing within `timeout` ms is the end. */
  watch(interval: number, timeout: number): void {
    this.#interval = interval;
    this.#timeout = timeout;
    this.#rest();
  }

  /** Find out at once whether the connection lives: the machine may have slept. */
  probe(): void {
    if (!this.#timeout) return;
    clearTimeout(this.#timer);
    this.#ping();
  }

  /** Write a message, once open. */
  send(message: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(message);
  }

  /** End it, and tell nothing any more. */
  close(code?: number, reason?: string): void {
    const socket = this.#socket;
    clearTimeout(this.#timer);
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code, reason);
  }

  #end(code: number, reason: string, broken?: boolean): void {
    this.close();
    this.#handlers.end(code, reason, broken);
  }

  #expect(failure: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(ABNORMAL, `${failure} within ${OPEN_TIMEOUT} ms`), OPEN_TIMEOUT);
  }

  #take(message: string | ArrayBuffer): void {
    this.#heard = performance.now();
    if (this.#asked) this.#rest();
    try {
      const [frames, attachment] = decode(message);
      for (const frame of frames) {
        if (!this.#socket.onmessage) return; // closed by a listener
        if (frame.event === "ping") this.send(encodeFrame("pong", "null"));
        else if (frame.event !== "pong") this.#handlers.frame(frame, attachment);
      }
    } catch (error) {
      this.#end(ABNORMAL, error instanceof Error ? error.message : "", true);
    }
  }

  #rest(): void {
    this.#asked = false;
    clearTimeout(this.#timer);
    if (this.#interval) this.#timer = setTimeout(() => this.#look(), this.#interval);
  }

  #look(): void {
    const idle = performance.now() - this.#heard;
    if (idle < this.#interval) this.#timer = setTimeout(() => this.#look(), this.#interval - idle);
    else this.#ping();
  }

  #ping(again = false): void {
    const socket = this.#socket;
    let asked = performance.now();
    let waiting = socket.bufferedAmount;
    this.#asked = true;
    this.send(encodeFrame("ping", "null"));
    const judge = (): void => {
      if (socket.bufferedAmount < waiting) {
        // Something large is leaving, and the ping waits behind it.
        waiting = socket.bufferedAmount;
        asked = performance.now();
        this.#timer = setTimeout(judge, this.#timeout);
      } else if (!again && performance.now() - asked > this.#timeout * 2) {
        // The timer is late: this page was not running, so what came meanwhile may not have been read yet.
        this.#ping(true);
      } else {
        this.#end(ABNORMAL, `nothing from the server within ${this.#timeout} ms of a ping`);
      }
    };
    this.#timer = setTimeout(judge, this.#timeout);
  }
}
