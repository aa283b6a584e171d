/** What the compiler must take, and what it must not: checked by `tsc`, never run. */

import type { WebSocketClient } from "@bonsai/client";

declare module "@bonsai/client" {
  interface ClientEvents {
    "hello:greet": { name: string };
  }
  interface ServerEvents {
    "hello:greeting": { text: string };
  }
  interface Acks {
    "hello:greet": { text: string };
  }
}

export async function typed(client: WebSocketClient): Promise<void> {
  const { correct } = await client.request("analytics:performance", { questionId: "q", timeSpent: 1 });
  correct satisfies boolean;
  client.on("analytics:update", (update, message) => {
    update.currentSession.streakCount satisfies number;
    update.score?.total satisfies number | undefined;
    message.data.performance.overall satisfies number;
  });
  client.on("recommendations:update", ({ questions }) => questions[0]?.reason satisfies string | undefined);
  client.on("status", ({ state, pending }) => [state satisfies string, pending satisfies number]);
  client.emit("recommendations:request");
  client.emit("recommendations:request", { preferences: { difficulty: 3 } }, { priority: "low" });
  // @ts-expect-error a payload is required
  client.emit("analytics:performance");
  // @ts-expect-error questionId is missing
  client.emit("analytics:performance", { timeSpent: 1 });
  // @ts-expect-error no such priority
  client.emit("recommendations:refresh", {}, { priority: "urgent" });

  // Plugins of your own
  (await client.request("hello:greet", { name: "Bo" })).text satisfies string;
  client.on("hello:greeting", ({ text }) => text satisfies string);
  // @ts-expect-error name is missing
  client.emit("hello:greet", {});

  // Any other event
  const unknown = await client.request("my:event", { any: "thing" });
  // @ts-expect-error nothing is known of it
  unknown.anything;
}
