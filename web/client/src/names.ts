/**
 * Every event by name, with its payload: those of the installed plugins, generated from the server's `/asyncapi.json`,
 * and those of the connection itself. Plugins of your own are added by declaration merging:
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
import type { JoinedRoom } from "./positions.ts";

/** A device of the session. */
export interface JoinedDevice {
  id: string;
  clientId: string;
  deviceId: string;
  kind: string;
  name: string;
  /** Milliseconds since the epoch. */
  joinedAt: number;
}

/** `user:joined`: the server took us in. */
export interface Joined {
  userId: string;
  sessionId: string;
  clientId: string;
  deviceId: string;
  devices: JoinedDevice[];
  /** Where each room goes on; `recovered`: what was missed follows, and nothing is missing. */
  rooms: Record<string, JoinedRoom>;
  heartbeat: { intervalMs: number; timeoutMs: number };
  limits: {
    maxMessageBytes: number;
    maxAttachmentBytes?: number;
    maxRequests: number;
    windowMs: number;
    idWindow?: number;
  };
  /** Milliseconds since the epoch. */
  serverTime: number;
  tokenExpiresAt: number;
}

/** Another device of the session came or went. */
export interface DeviceChange {
  userId: string;
  sessionId: string;
  device: JoinedDevice;
}

/** What a client sends, by event. */
export interface ClientEvents extends Generated.ClientEvents {}

/** What the server sends, by event. */
export interface ServerEvents extends Generated.ServerEvents {
  "user:joined": Joined;
  "user:connect": DeviceChange;
  "user:disconnect": DeviceChange;
  "auth:expiring": { inMs: number };
  "room:joined": { room: string; epoch: string; offset: number };
  "room:left": { room: string };
  "notice:dropped": { dropped: number };
}

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
