/** A real `python -m bonsai_core` in a process of its own, to kill and to start again; and where its parts are. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Endpoint } from "./endpoint.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PYTHON = process.env.BONSAI_PYTHON ?? join(ROOT, ".venv/bin/python");

/** What differs from a server as it comes: no limits that a fast test would hit, quick ends. */
const DEFAULTS = {
  BONSAI_RATE_MAX_REQUESTS: "0",
  BONSAI_CONNECTIONS_PER_IP: "0",
  BONSAI_HANDSHAKES_PER_IP: "0",
  BONSAI_CLOSE_TIMEOUT_MS: "500",
  BONSAI_DRAIN_TIMEOUT_MS: "500",
  JWT_LEEWAY_S: "0",
};

/** Options of `BonsaiServer.start`. */
export interface ServerOptions {
  /** Names of the plugins to load, comma-separated. */
  plugins?: string;
  /** A folder of single-file plugins. */
  pluginsDir?: string;
  /** Further settings by their names in the environment. */
  env?: Record<string, string>;
}

export class BonsaiServer extends Endpoint {
  /** What it signs and checks tokens with. */
  readonly secret: string;
  readonly #folder: string;
  readonly #env: Record<string, string>;
  #process: ChildProcess | undefined;
  #log = "";

  private constructor(port: number, folder: string, env: Record<string, string>) {
    super(port);
    this.#folder = folder;
    this.#env = env;
    this.secret = env.JWT_SECRET ?? "";
  }

  /** Starts a server with an empty store of its own. */
  static async start({ plugins, pluginsDir, env = {} }: ServerOptions = {}): Promise<BonsaiServer> {
    const folder = await mkdtemp(join(tmpdir(), "bonsai-web-"));
    const server = new BonsaiServer(await freePort(), folder, {
      ...DEFAULTS,
      PATH: process.env.PATH ?? "",
      HOME: folder,
      JWT_SECRET: randomBytes(32).toString("hex"),
      STORE_URL: `sqlite:///${join(folder, "bonsai.db")}`,
      ...(plugins && { BONSAI_PLUGINS: plugins }),
      ...(pluginsDir && { BONSAI_PLUGINS_DIR: pluginsDir }),
      ...env,
    });
    await server.restart();
    return server;
  }

  /** Start again after `kill` or `terminate`, on the same port with the same store; returns once it listens. */
  async restart(): Promise<void> {
    const args = ["-m", "bonsai_core", "serve", "--dev", "--websocket-port", String(this.port)];
    const child = spawn(PYTHON, args, { cwd: this.#folder, env: this.#env, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    const end = (): boolean => child.kill("SIGKILL"); // not to outlive tests that are stopped
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (this.#log += text));
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the server ended with status ${child.exitCode}:\n${this.#log}`);
      const answer = await fetch(`${this.http}/healthz`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Kill it at once, as a crash or the power would. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** Ask it to end, as a deployment does. */
  terminate(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** End it for good, and remove what it kept. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
