/** Where a server is, and what it gives over HTTP. Without anything of Node.js, for tests that run in a DOM. */

/** What `POST /api/token` takes in development mode. */
export interface TokenRequest {
  userId?: string;
  sessionId?: string;
  roles?: string[];
  students?: string[];
  ttlSeconds?: number;
}

/** Where a server is. */
export class Endpoint {
  constructor(readonly port: number) {}

  /** `ws://…/ws`. */
  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  /** `http://…` */
  get http(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** A token of development mode. */
  async token(request: TokenRequest = {}): Promise<string> {
    const answer = await fetch(`${this.http}/api/token`, { method: "POST", body: JSON.stringify(request) });
    const { token } = (await answer.json()) as { token?: string };
    if (!token) throw new Error(`no token: HTTP ${answer.status}`);
    return token;
  }

  /** The document of its events. */
  async asyncapi(): Promise<unknown> {
    return (await fetch(`${this.http}/asyncapi.json`)).json();
  }
}
