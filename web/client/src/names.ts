/**
 * Every event by name, with its payload, generated from the server's `/asyncapi.json`. Plugins of your own are added by
 * declaration merging:
 *
 *     import "@bonsai/client"; // else this would hide the module instead of adding to it
 *
 *     declare module "@bonsai/client" {
 *       interface ClientEvents { "hello:greet": { name: string } }
 *       interface ServerEvents { "hello:greeting": { text: string } }
 *       interface Acks { "hello:greet": { text: string } }
 *     }
 */

import type * as Generated from "./events.ts";

export type {
  CoreDeviceChange as DeviceChange,
  CoreJoined as Joined,
  CoreJoinedDevice as JoinedDevice,
} from "./events.ts";

/** What a client sends, by event. */
export interface ClientEvents extends Generated.ClientEvents {}

/** What the server sends, by event. */
export interface ServerEvents extends Generated.ServerEvents {}

/** What the acks of a client's events carry. */
export interface Acks {
  "session:update": { version: number };
  "session:state": Generated.CoreState;
  "session:end": { summary: Record<string, unknown> };
  "analytics:performance": { correct: boolean; explanation?: string };
  "analytics:progress": Generated.AnalyticsProgress;
  "analytics:goal": Generated.AnalyticsGoal;
  "recommendations:request": { count: number; mode: string; revision: number; generatedAt: number };
  "recommendations:refresh": { count: number; mode: string; revision: number; generatedAt: number };
  "coaching:hint": Generated.CoachingHint;
  "coaching:strategy": Generated.CoachingStrategy;
  "coaching:message": { id: string; reply?: string };
  "coaching:read": Generated.CoachingRead;
  "coaching:history": Generated.CoachingHistory;
  "coaching:state": Generated.CoachingState;
  "extension:sync": { extensionId: string; changed: boolean; expiresInMs: number };
  "extension:state": { extensions: number };
  "extension:screenshot": { questionId: string; cached: boolean; stored: boolean };
  "question:analyze": { questionId: string; cached: boolean; stored: boolean };
  "question:cancel": { cancelled: number };
}
