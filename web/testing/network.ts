/** A TCP proxy before a server: a network that can be cut, and that can go silent in either direction. */

import { connect, createServer, type Server, type Socket } from "node:net";

export class Network {
  #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #muted = { up: false, down: false };
  /** Connections made so far. */
  connections = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** A network between here and a port of this machine. */
  static async to(port: number): Promise<Network> {
    const network = new Network(port);
    await network.#listen();
    network.#port = (network.#server.address() as { port: number }).port;
    return network;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}/ws`;
  }

  /** Break every connection at once, as a cable that is pulled; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** From now on lose what goes `up` to the server or `down` to the client, and keep connections open. */
  mute(direction: "up" | "down"): void {
    this.#muted[direction] = true;
  }

  /** Let everything through again. What was lost stays lost. */
  unmute(): void {
    this.#muted = { up: false, down: false };
  }

  /** Take no new connections, and break the others. */
  async refuse(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Take connections again after `refuse`. */
  async admit(): Promise<void> {
    this.#server = createServer((socket) => this.#accept(socket));
    await this.#listen();
  }

  async close(): Promise<void> {
    await this.refuse();
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#port, "127.0.0.1", resolve);
    });
  }

  #accept(client: Socket): void {
    this.connections++;
    const server = connect(this.#target, "127.0.0.1");
    for (const [from, to, direction] of [
      [client, server, "up"],
      [server, client, "down"],
    ] as const) {
      this.#sockets.add(from);
      from.on("data", (data) => {
        if (!this.#muted[direction]) to.write(data);
      });
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
