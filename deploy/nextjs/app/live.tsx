/** The live connection of the pages below it: `<Live userId={...} sessionId={...}>`, in a layout. */

"use client";

import { BonsaiError, type ClientConfig } from "@bonsai/client";
import { BonsaiProvider } from "@bonsai/react";
import { type ReactNode, useMemo } from "react";

interface LiveProps {
  /** Who is signed in, as `/api/live-token` has it. */
  userId: string;
  /** The practice session to join; the server makes one when it is left out. */
  sessionId?: string;
  children: ReactNode;
}

export function Live({ userId, sessionId, children }: LiveProps): ReactNode {
  const config = useMemo<ClientConfig>(
    () => ({
      url: process.env.NEXT_PUBLIC_BONSAI_URL ?? "ws://127.0.0.1:3001",
      auth: { userId, ...(sessionId && { sessionId }), tokenProvider: fetchToken },
      queue: { persist: true },
    }),
    [userId, sessionId],
  );
  return <BonsaiProvider config={config}>{children}</BonsaiProvider>;
}

async function fetchToken(): Promise<{ token: string; expiresAt: number }> {
  const answer = await fetch("/api/live-token", { method: "POST" });
  if (answer.status === 401) throw new BonsaiError("unauthenticated", "nobody is signed in"); // ends it; others are tried again
  if (!answer.ok) throw new Error(`no token: HTTP ${answer.status}`);
  return answer.json();
}
