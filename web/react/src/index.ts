/** React hooks for Bonsai Real-Time. */

"use client";

export { BonsaiProvider, type ClientSource } from "./context.tsx";
export { type DashboardProps, RealTimeDashboard } from "./dashboard.tsx";
export type { AnalyticsState, CoachingState, RecommendationsState } from "./live.ts";
export {
  type AnalyticsHandle,
  type AnalyticsOptions,
  type AnswerDetails,
  useRealTimeAnalytics,
} from "./use-analytics.ts";
export { type CoachingHandle, type CoachingOptions, useLiveCoaching } from "./use-coaching.ts";
export {
  type RecommendationsHandle,
  type RecommendationsOptions,
  useRealTimeRecommendations,
} from "./use-recommendations.ts";
export { useWebSocket, type WebSocketHandle, type WebSocketOptions } from "./use-web-socket.ts";
