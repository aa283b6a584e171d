/**
 * The one connection of the extension, and the state that everything it says is gathered in.
 *
 * The browser may stop the worker at any instant. What then survives: messages without an answer (the client keeps them in
 * IndexedDB, under their ids), and the state together with how far each room was read (`Progress`, in one write). So the
 * next worker sends what was not answered, and is told what it missed, each once.
 */

import { BonsaiError, createWebSocketClient, type WebSocketClient } from "@bonsai/client";
import { demoLogin } from "../shared/login.ts";
import { type Problem, unreadable } from "../shared/problems.ts";
import { claimsOf, pageAddress, socketUrl } from "../shared/server.ts";
import {
  captured,
  emptyState,
  hintRefused,
  refused,
  type Self,
  type State,
  settled,
  syncOf,
  take,
} from "../shared/state.ts";
import {
  type Connection,
  load,
  loadProgress,
  loadToken,
  ownId,
  type Settings,
  save,
  saveToken,
} from "../shared/storage.ts";
import { grab, pictureOf } from "./picture.ts";
import { Saver } from "./saver.ts";

/** The server takes an extension for gone after two minutes of silence. */
const SYNC_EVERY = 45_000;
/** What a server takes that does not say, in bytes. */
const MAX_ATTACHMENT = 8 << 20;

const OFFLINE: Connection = { state: "idle", pending: 0 };

export class Hub {
  #opening: Promise<void> | undefined;
  #settings: Settings | undefined;
  #client: WebSocketClient | undefined;
  #state: State = emptyState();
  #connection: Connection = OFFLINE;
  readonly #self: Self = { extensionId: "", deviceId: "" };
  #synced = { said: "", at: 0 };
  #capturing = false;
  /** Pictures that are about to be in the client's queue. */
  #entering = 0;
  readonly #progress = new Saver(() =>
    save("progress", { state: this.#state, positions: this.#client?.positions ?? {} }),
  );
  readonly #status = new Saver(() => save("connection", this.#connection));

  /** Begin, unless it has begun: remember everything, and connect. */
  ready(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const [progress, extensionId] = await Promise.all([loadProgress(), ownId()]);
    this.#state = progress.state;
    this.#self.extensionId = this.#self.deviceId = extensionId;
    await this.#use(await load("settings"), progress.positions);
  }

  /** The student has saved the settings. */
  async reload(): Promise<void> {
    await this.ready();
    const settings = await load("settings");
    const old = this.#settings;
    if (settings && old && this.#client && sameStudent(settings, old) && settings.sessionId === old.sessionId) {
      this.#settings = settings;
      const token = await loadToken();
      this.#client.refreshToken(token, expiryOf(token));
      this.#go();
      return;
    }
    this.#client?.close();
    this.#client = undefined;
    if (!settings || !old || !sameStudent(settings, old)) this.#set(emptyState()); // another's questions are theirs
    await this.#use(settings, {});
  }

  /** Connect if we are not, and tell the server that we live. `atOnce`: the student does not want to wait. */
  async wake({ atOnce = false } = {}): Promise<void> {
    await this.ready();
    if (atOnce && this.#client?.state === "waiting") this.#client.disconnect();
    this.#go();
    this.#sync();
  }

  /** Take a picture of what a window shows, and send it. `pressed`: on this very page. */
  async capture(windowId: number, pageUrl: string | undefined, pressed: boolean): Promise<Problem | undefined> {
    if (this.#capturing) return { code: "too_fast" };
    this.#capturing = true;
    try {
      const obstacle = unreadable(pageUrl, pressed);
      const [png] = await Promise.all([obstacle ?? grab(windowId), this.ready()]);
      const problem = this.#settings ? await this.#send(png, pageAddress(pageUrl)) : { code: "not_set_up" };
      if (problem) this.#set({ ...this.#state, problem });
      return problem;
    } finally {
      this.#capturing = false;
    }
  }

  async #send(png: Blob | Problem, url: string): Promise<Problem | undefined> {
    if (!(png instanceof Blob)) return png;
    const client = this.#client;
    if (!client) return { code: "unauthenticated" };
    const picture = await pictureOf(png, client.joined?.limits.maxAttachmentBytes ?? MAX_ATTACHMENT);
    if ("code" in picture) return picture;
    const { bytes, width, height, questionId } = picture;
    const timestamp = Date.now();
    this.#entering++;
    try {
      if (!this.#state.active) await this.switch(true);
      this.#set(captured(this.#state, questionId, url, timestamp));
      await this.#progress.now();
      const sent = client.sendScreenshot(bytes, {
        extensionId: this.#self.extensionId,
        questionId,
        metadata: { url, timestamp, dimensions: { width, height } },
        timeout: 0, // it waits for as long as it takes, also in the next worker
        priority: "high",
      });
      sent.catch((error) => this.#set(refused(this.#state, questionId, problemOf(error))));
    } finally {
      setTimeout(() => this.#entering--, 100);
    }
    return undefined;
  }

  /** Ask for the next hint; it comes as a message. */
  async hint(questionId: string): Promise<void> {
    await this.ready();
    await this.#ask("coaching:hint", questionId, (error) => {
      this.#set(hintRefused(this.#state, questionId, problemOf(error), Date.now() + (error.retryAfterMs ?? 0)));
    });
  }

  /** Give up what is being read. */
  async cancel(questionId: string): Promise<void> {
    await this.ready();
    await this.#ask("question:cancel", questionId, () => undefined);
  }

  async #ask(
    event: "coaching:hint" | "question:cancel",
    questionId: string,
    fail: (error: BonsaiError) => void,
  ): Promise<void> {
    try {
      await this.#client?.request(event, { questionId }, { timeout: 20_000 });
    } catch (error) {
      if (error instanceof BonsaiError) fail(error);
      else throw error;
    }
  }

  /** On or off. Off, the other devices are told, and the connection ends; what waits is sent when it is on again. */
  async switch(on: boolean): Promise<void> {
    await this.ready();
    this.#set({ ...this.#state, active: on, ...(!on && { page: "" }) });
    if (on) {
      this.#go();
    } else {
      await this.#client?.request("extension:sync", this.#said(), { timeout: 2000 }).catch(() => undefined);
      this.#client?.disconnect();
    }
    await this.#alarm();
  }

  /** What the student looks at now; undefined where the browser does not tell, which is everywhere but where asked to look. */
  async look(url: string | undefined): Promise<void> {
    await this.ready();
    const page = pageAddress(url);
    if (this.#state.active && page !== this.#state.page) this.#set({ ...this.#state, page });
  }

  // The connection

  async #use(settings: Settings | undefined, resume: Record<string, { epoch: string; offset: number }>): Promise<void> {
    this.#settings = settings;
    const token = await loadToken();
    if (!settings || (!token && !settings.demo)) {
      this.#show({ ...OFFLINE, ...(settings && { state: "closed", problem: { code: "unauthenticated" } }) });
      await this.#alarm();
      return;
    }
    const expiresAt = expiryOf(token);
    const client = createWebSocketClient({
      url: socketUrl(settings.server),
      auth: {
        userId: settings.userId,
        ...(settings.sessionId && { sessionId: settings.sessionId }),
        ...(token && { token }),
        ...(expiresAt && { expiresAt }),
        ...(settings.demo && { tokenProvider: () => newToken(settings) }),
      },
      device: { id: this.#self.deviceId, kind: "extension", name: browserName() },
      heartbeat: { interval: 20_000 },
      queue: { persist: settings.server },
      resume,
    });
    this.#client = client;
    client.on("*", (data, { event }) => this.#take(event, data));
    client.on("status", () => this.#changed(client));
    client.on("error", () => undefined); // `status` and the promises tell
    this.#go();
    await this.#alarm();
  }

  #go(): void {
    const client = this.#client;
    if (client && this.#state.active && (client.state === "idle" || client.state === "closed")) void client.connect();
  }

  #take(event: string, data: unknown): void {
    this.#set(take(this.#state, event, data, this.#self, Date.now()));
    this.#progress.soon(); // also when it tells us nothing: how far we have read has changed
  }

  #changed(client: WebSocketClient): void {
    const { state, pending, retryAt, error } = client.status;
    const joined = state === "joined" && this.#connection.state !== "joined";
    this.#show({ state, pending, ...(retryAt && { retryAt }), ...(error && { problem: problemOf(error) }) });
    if (joined) {
      this.#synced.at = 0;
      this.#sync();
    }
    if (state === "joined" && !pending && !this.#entering) this.#set(settled(this.#state));
  }

  #show(connection: Connection): void {
    this.#connection = connection;
    this.#status.soon();
    void chrome.action.setBadgeText({ text: connection.pending ? String(connection.pending) : "" });
  }

  #set(state: State): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#progress.soon();
    this.#sync();
  }

  #sync(): void {
    if (this.#client?.state !== "joined" || !this.#state.active) return;
    const said = this.#said();
    const text = JSON.stringify(said);
    const now = Date.now();
    if (text === this.#synced.said && now - this.#synced.at < SYNC_EVERY) return;
    this.#synced = { said: text, at: now };
    void this.#client.syncExtension(said);
  }

  #said(): ReturnType<typeof syncOf> & { extensionId: string } {
    return { extensionId: this.#self.extensionId, ...syncOf(this.#state) };
  }

  /** Wakes a worker that was stopped, so that what waits is sent although nobody looks. */
  async #alarm(): Promise<void> {
    if (this.#client && this.#state.active) await chrome.alarms.create("wake", { periodInMinutes: 0.5 });
    else await chrome.alarms.clear("wake");
  }
}

function sameStudent(a: Settings, b: Settings): boolean {
  return a.server === b.server && a.userId === b.userId && a.demo === b.demo;
}

function expiryOf(token: string): number | undefined {
  try {
    return claimsOf(token, 0).expiresAt;
  } catch {
    return undefined;
  }
}

async function newToken({ server, demo, sessionId, keep }: Settings): Promise<string> {
  const { token } = await demoLogin(server, demo, sessionId);
  await saveToken(token, keep);
  return token;
}

function problemOf({ code, message, closeCode }: Partial<BonsaiError>): Problem {
  return { code: closeCode === 4001 ? "refused" : (code ?? "failed"), ...(message && { message }) };
}

function browserName(): string {
  const platform = (navigator as { userAgentData?: { platform?: string } }).userAgentData?.platform;
  return platform ? `Browser on ${platform}` : "Browser";
}
