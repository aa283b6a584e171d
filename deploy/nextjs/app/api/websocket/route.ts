/**
 * `/api/websocket`: forwards `health` and `stats` to the Bonsai server.
 *
 *     GET  /api/websocket?action=stats     (without an action: health)
 *     POST /api/websocket {"action": "stats"}
 *
 * The WebSocket itself goes from the browser to the Bonsai server, for a route handler cannot take one.
 */

import { type Action, askServer } from "../../../lib/bonsai";

export const dynamic = "force-dynamic";

export async function GET(request: Request): Promise<Response> {
  if (request.headers.get("upgrade")) {
    return problem(426, "upgrade_required", "connect to the Bonsai server itself: NEXT_PUBLIC_BONSAI_URL");
  }
  return forward(request, new URL(request.url).searchParams.get("action") ?? "health");
}

export async function POST(request: Request): Promise<Response> {
  const body: unknown = await request.json().catch(() => undefined);
  return forward(request, (body as { action?: unknown } | undefined)?.action);
}

async function forward(request: Request, action: unknown): Promise<Response> {
  if (!isAction(action)) return problem(400, "invalid_payload", "action must be health or stats");
  const { status, body } = await askServer(action, request.headers.get("authorization"));
  return Response.json(body, { status, headers: { "Cache-Control": "no-store" } });
}

function isAction(action: unknown): action is Action {
  return action === "health" || action === "stats";
}

function problem(status: number, code: string, message: string): Response {
  return Response.json({ error: { code, message } }, { status });
}
