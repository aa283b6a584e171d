/** The browser client of Bonsai Real-Time. */

export type * from "./client.ts";
export { createWebSocketClient } from "./client.ts";
export type * from "./config.ts";
export type { State, Status } from "./engine.ts";
export { BonsaiError } from "./errors.ts";
export type * as Payloads from "./events.ts";
export type { Message } from "./frames.ts";
export type * from "./names.ts";
export type { Position } from "./positions.ts";
export type { Priority } from "./queue.ts";
