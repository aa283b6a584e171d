/**
 * Events of the core and of the plugins of this workspace, with their payloads.
 *
 * Generated from the server's `/asyncapi.json` by `npm run generate`: do not edit.
 */

/** `analytics:performance` from a client: a question was answered. */
export interface AnalyticsAnswered {
  questionId: string;
  correct?: boolean | null | undefined;
  timeSpent: number;
  skill?: string | null | undefined;
  answer?: string | null | undefined;
  subject?: string | null | undefined;
}

/** The numbers of this session. */
export interface AnalyticsCurrentSession {
  questionsAnswered: number;
  correctAnswers: number;
  streakCount: number;
  bestStreak: number;
  accuracy: number;
  pace: number;
  testPace?: number;
}

/** One day's practice; `date` is YYYY-MM-DD. */
export interface AnalyticsDay {
  date: string;
  answered: number;
  correct: number;
  seconds: number;
}

/** `analytics:goal`: what the student aims at, and how far it is. */
export interface AnalyticsGoal {
  total?: number;
  chance?: number;
  perWeek?: number;
  thisWeek: number;
}

/** `analytics:goal` from a client: sets what is given, takes away what is null, and tells how far it is. */
export interface AnalyticsGoalQuery {
  total?: number | null | undefined;
  perWeek?: number | null | undefined;
  utcOffsetMinutes?: number | undefined;
}

/** The predicted total as it stood when a day's practice began; `at` is ms since the epoch. */
export interface AnalyticsPastScore {
  at: number;
  total: number;
  low: number;
  high: number;
}

/**
 * The student's numbers over all sessions. `overall` is as a skill's mastery, of a skill nothing else is known
 * of.
 */
export interface AnalyticsPerformance {
  overall: number;
  bySkill: Record<string, AnalyticsSkillMastery>;
}

/**
 * `analytics:progress` to the asking device: every day of the range, also those without practice, oldest first.
 *
 * `scores` are the predicted totals of days past, at most a hundred, oldest first.
 */
export interface AnalyticsProgress {
  days: Array<AnalyticsDay>;
  weeks: Array<AnalyticsWeek>;
  totals: AnalyticsTotals;
  skills: Record<string, AnalyticsSkillProgress>;
  score?: AnalyticsScore;
  scores: Array<AnalyticsPastScore>;
  goal: AnalyticsGoal;
}

/** `analytics:progress` from a client. */
export interface AnalyticsProgressQuery {
  days?: number | undefined;
  utcOffsetMinutes?: number | undefined;
}

/** `analytics:performance` to all devices of the session: the answer as it was recorded. */
export interface AnalyticsRecorded {
  questionId: string;
  correct: boolean;
  timeSpent: number;
  skill: string;
  number: number;
  at: number;
  expected: number;
  rapid?: boolean;
  answer?: string;
}

/**
 * Predicted scores, by the tables of the published practice tests in their linear paper form.
 *
 * A section is told from ten answers in it, the total when both are.
 */
export interface AnalyticsScore {
  total?: number;
  low?: number;
  high?: number;
  testLow?: number;
  testHigh?: number;
  sections: Record<string, AnalyticsSectionScore>;
}

/** A section's predicted score, with its 80 % intervals (see `Score`). */
export interface AnalyticsSectionScore {
  score: number;
  low: number;
  high: number;
  testLow: number;
  testHigh: number;
}

/**
 * How well a skill is known: the chance of a right answer to a question of band 4, with its 80 % interval.
 *
 * `answered` are the answers behind it.
 */
export interface AnalyticsSkillMastery {
  mastery: number;
  low: number;
  high: number;
  answered: number;
}

/** A skill over all time. */
export interface AnalyticsSkillProgress {
  mastery: number;
  low: number;
  high: number;
  answered: number;
  correct: number;
}

/** The sum of the days asked for. */
export interface AnalyticsTotals {
  answered: number;
  correct: number;
  seconds: number;
  accuracy: number;
}

/** How the session goes, from its tenth answer; mostly of the newest ten. */
export interface AnalyticsTrend {
  pace: number;
  accuracy: number;
  fatigue: number;
}

/** `analytics:update`: everything a front end shows. */
export interface AnalyticsUpdate {
  currentSession: AnalyticsCurrentSession;
  performance: AnalyticsPerformance;
  score?: AnalyticsScore;
  trend?: AnalyticsTrend;
}

/** One week's practice, within the days asked for; `start` is its Monday, YYYY-MM-DD. */
export interface AnalyticsWeek {
  start: string;
  answered: number;
  correct: number;
  seconds: number;
}

/** A button under a message. */
export interface CoachingAction {
  action: string;
  label: string;
  event?: string;
  data?: Record<string, unknown>;
}

/** `coaching:focus` from a client: the question that is now before the student, so that its time can be counted. */
export interface CoachingFocus {
  questionId: string;
  skill?: string | null | undefined;
  expectedSeconds?: number | null | undefined;
}

/** `coaching:hint` as the ack and to all devices of the session. */
export interface CoachingHint {
  questionId: string;
  rung: number;
  rungs: number;
  text: string;
  last: boolean;
  kind: "goal" | "strategy" | "step" | "solution" | "misconception";
  nextInMs?: number;
}

/** `coaching:hint` from a client: the next rung, or one that was shown before. */
export interface CoachingHintRequest {
  questionId: string;
  rung?: number | null | undefined;
  skill?: string | null | undefined;
}

/** `coaching:history`: messages, oldest first. */
export interface CoachingHistory {
  messages: Array<CoachingMessage>;
  unread: number;
  before?: number;
}

/** `coaching:history` from a client. */
export interface CoachingHistoryRequest {
  limit?: number | undefined;
  before?: number | null | undefined;
}

/**
 * `coaching:message` to all of the student's devices.
 *
 * An answer that is being written comes several times under one id: unlogged with `part` 1, 2, ... and all of the text
 * so far, then once more, complete and without `part`.
 */
export interface CoachingMessage {
  id: string;
  type: "hint" | "strategy" | "encouragement" | "warning" | "insight";
  priority: "low" | "medium" | "high";
  message: string;
  actions?: Array<CoachingAction>;
  questionId?: string;
  createdAt: number;
  isRead: boolean;
  reason: string;
  kind?: string;
  sender?: "coach" | "tutor" | "student";
  author?: string;
  sessionId?: string;
  unread?: number;
  part?: number;
}

/** `coaching:message` from a client: a student's words to the coach; a tutor's to a student. */
export interface CoachingPost {
  text: string;
  questionId?: string | null | undefined;
  userId?: string | null | undefined;
  sessionId?: string | null | undefined;
  type?: "hint" | "strategy" | "encouragement" | "warning" | "insight" | undefined;
  priority?: "low" | "medium" | "high" | undefined;
}

/** `coaching:read` to all of the student's devices: what was read, and how many are not. */
export interface CoachingRead {
  ids: Array<string>;
  unread: number;
}

/** `coaching:read` from a client. Without `ids`: all of them. */
export interface CoachingReadRequest {
  ids?: Array<string> | null | undefined;
}

/** `coaching:said` to all of the student's devices: what the student wrote to the coach. */
export interface CoachingSaid {
  id: string;
  text: string;
  createdAt: number;
  clientId: string;
  questionId?: string;
}

/** `coaching:state` to a device that joins, and as the ack of a client's `coaching:state`. */
export interface CoachingState {
  unread: number;
  messages: Array<CoachingMessage>;
  quiet: boolean;
}

/** How a good tutor would teach one topic, as `coaching:strategy` carries it. */
export interface CoachingStrategy {
  skill: string;
  title: string;
  when: string;
  steps: Array<string>;
  trap: string;
  example: string;
}

/** `coaching:strategy` from a client: of a question, or of a skill or topic by its name. */
export interface CoachingStrategyRequest {
  questionId?: string | null | undefined;
  skill?: string | null | undefined;
}

/** `coaching:watch` and `coaching:unwatch` from a tutor's client. */
export interface CoachingWatchRequest {
  userId: string;
  sessionId?: string | null | undefined;
}

/** What a client should keep to. */
export interface CoreClientLimits {
  maxMessageBytes: number;
  maxAttachmentBytes: number;
  maxRequests: number;
  windowMs: number;
  idWindow: number;
}

/** Another device of the session has come (`user:connect`) or gone (`user:disconnect`). */
export interface CoreDeviceChange {
  userId: string;
  sessionId: string;
  device: CoreJoinedDevice;
}

/** What a device says of itself. */
export interface CoreDeviceIn {
  id?: string | null | undefined;
  kind?: string | undefined;
  name?: string | undefined;
}

/** `notice:dropped`: messages of low priority did not reach this slow reader. */
export interface CoreDropped {
  dropped: number;
}

/** `session:end`. */
export interface CoreEnd {
  reason?: string | null | undefined;
}

/** What all devices are told when a session ends: contributions of plugins by their names. */
export interface CoreEnded {
  summary: Record<string, unknown>;
  reason?: string;
}

/** `auth:expiring`: renew the token with `auth:refresh`. */
export interface CoreExpiring {
  inMs: number;
}

/** When silence is looked into, and when it ends the connection. */
export interface CoreHeartbeatTimes {
  intervalMs: number;
  timeoutMs: number;
}

/** Payload of `user:connect`. */
export interface CoreJoinRequest {
  token?: string | null | undefined;
  userId?: string | null | undefined;
  sessionId?: string | null | undefined;
  clientId?: string | null | undefined;
  device?: CoreDeviceIn | undefined;
  resume?: Record<string, unknown> | undefined;
  batch?: boolean | undefined;
}

/** `user:joined`: the client is in. What it missed follows. */
export interface CoreJoined {
  userId: string;
  sessionId: string;
  clientId: string;
  deviceId: string;
  devices: Array<CoreJoinedDevice>;
  rooms: Record<string, CoreRoomPosition>;
  heartbeat: CoreHeartbeatTimes;
  limits: CoreClientLimits;
  serverTime: number;
  tokenExpiresAt: number;
}

/** A device of the session. */
export interface CoreJoinedDevice {
  id: string;
  clientId: string;
  deviceId: string;
  kind: string;
  name: string;
  joinedAt: number;
}

/** Payload of `auth:refresh`. */
export interface CoreRefreshRequest {
  token: string;
}

/** `room:joined`: the device is in another room from here on. */
export interface CoreRoomJoined {
  room: string;
  epoch: string;
  offset: number;
  recovered: boolean;
}

/** `room:left`: the device is in this room no more. */
export interface CoreRoomLeft {
  room: string;
}

/** Where a client is in a room's log. */
export interface CoreRoomPosition {
  epoch: string;
  offset: number;
  recovered: boolean;
}

/** The shared state in full. */
export interface CoreState {
  state: Record<string, unknown>;
  version: number;
  devices: Array<Record<string, unknown>>;
}

/**
 * `session:update`: a JSON merge patch (RFC 7396) for the shared state.
 *
 * With `version` it applies only to that version of the state.
 */
export interface CoreUpdate {
  patch: Record<string, unknown>;
  version?: number | null | undefined;
}

/** What all devices are told of an update: the patch, and the state's version after it. */
export interface CoreUpdated {
  patch: Record<string, unknown>;
  version: number;
  clientId?: string;
}

/** One event's part of the interval. */
export interface DashboardEventFigures {
  event: string;
  count: number;
  errors: number;
  bytes: number;
  latency: DashboardLatency;
}

/** `dashboard:operations`: the process that the admin is connected to, in the interval that has just ended. */
export interface DashboardFigures {
  node: string;
  at: number;
  intervalMs: number;
  uptimeMs: number;
  ready: boolean;
  draining: boolean;
  store: string;
  connections: number;
  joined: number;
  sessions: number;
  rooms: number;
  opened: number;
  closed: number;
  answered: number;
  errors: number;
  latency?: DashboardLatency;
  events: Array<DashboardEventFigures>;
  outbox: DashboardOutbox;
  plugins: Array<DashboardPluginHealth>;
  log: Array<DashboardLogEntry>;
  skipped: number;
}

/** Quantiles of the time from an event's arrival to its answer. */
export interface DashboardLatency {
  p50: number;
  p95: number;
  p99: number;
}

/** An event that was answered: never its payload. */
export interface DashboardLogEntry {
  at: number;
  event: string;
  user: string;
  outcome: string;
  ms: number;
  bytes: number;
}

/** What waits to leave the process. */
export interface DashboardOutbox {
  bytes: number;
  dropped: number;
  contributions?: number;
}

/** How a plugin is. */
export interface DashboardPluginHealth {
  name: string;
  status: string;
  version?: string;
  failures: number;
  lastFailure?: string;
  lastFailureAt?: number;
  ready?: boolean;
  details?: Record<string, unknown>;
}

/** `dashboard:watch` from an admin's client: have this device sent `dashboard:operations`, or no more. */
export interface DashboardWatch {
  on?: boolean | undefined;
}

/** `extension:state` from a client: the state of one extension, or of all; to the asking device alone. */
export interface ExtensionAsk {
  extensionId?: string | null | undefined;
}

/** The question that was read last from an extension's screenshot. */
export interface ExtensionLastQuestion {
  questionId: string;
  section: string;
  domain: string;
  skill: string;
  matchedQuestionId?: string;
  at: number;
}

/** How an extension is. */
export interface ExtensionState {
  status: "active" | "inactive" | "gone";
  isActive: boolean;
  currentUrl: string;
  detectedQuestions: number | Array<string | Record<string, unknown>>;
  lastSeen: number;
  question?: ExtensionLastQuestion;
}

/** `extension:state`: on each change, to all of the student's devices; logged. */
export interface ExtensionStateChanged {
  extensionId: string;
  state: ExtensionState;
}

/** `extension:sync` from a browser extension: how it is now. To be sent on every change, and as a sign of life. */
export interface ExtensionSync {
  extensionId: string;
  isActive: boolean;
  currentUrl?: string | undefined;
  detectedQuestions?: number | Array<string | Record<string, unknown>> | undefined;
}

/** `extension:sync` to the student's other devices: what the extension has just said; not logged. */
export interface ExtensionSynchronised {
  extensionId: string;
  isActive: boolean;
  currentUrl?: string;
  detectedQuestions?: number | Array<string | Record<string, unknown>>;
  timestamp: number;
}

/** What the front end knows besides. */
export interface RecsContext {
  recentPerformance?: Array<number> | undefined;
  studyGoals?: Array<string> | undefined;
}

/** How far a diagnosis is. */
export interface RecsDiagnosis {
  asked: number;
  standardError: number;
  finished: boolean;
}

/** Where a mock test is. */
export interface RecsMockModule {
  section: string;
  number: number;
  route: "medium" | "easier" | "harder";
  seconds: number;
  finished?: boolean;
}

/** What the student wants. Each is a hard limit: rather no question than one that breaks it. */
export interface RecsPreferences {
  difficulty?: number | null | undefined;
  subjects?: Array<string> | undefined;
  timeLimit?: number | null | undefined;
}

/** A question as students see it: without answer, hints or rationale. */
export interface RecsRecommended {
  id: string;
  section: string;
  subject: string;
  domain: string;
  skill: string;
  difficulty: number;
  band: number;
  expectedSeconds: number;
  reason: string;
  stem: string;
  passage?: string;
  figure?: string;
  choices?: Array<RecsShownChoice>;
}

/** `recommendations:refresh` from a client: the last request again. In a mock test it hands the module in. */
export type RecsRefresh = Record<string, never>;

/** `recommendations:request` from a client. */
export interface RecsRequest {
  currentSkillLevel?: Record<string, number> | undefined;
  weakAreas?: Array<string> | undefined;
  preferences?: RecsPreferences | undefined;
  context?: RecsContext | undefined;
  mode?: "diagnose" | "practice" | "mock" | undefined;
  count?: number | undefined;
}

/** A choice as students see it. */
export interface RecsShownChoice {
  key: string;
  text: string;
}

/** `recommendations:update` to all devices of the session. */
export interface RecsUpdate {
  questions: Array<RecsRecommended>;
  generatedAt: number;
  mode: "diagnose" | "practice" | "mock";
  revision: number;
  diagnosis?: RecsDiagnosis;
  module?: RecsMockModule;
}

/** `question:analyze` from a client: a text or a picture of a question. */
export interface VisionAnalyze {
  questionId?: string | null | undefined;
  text?: string | undefined;
  image?: string | undefined;
  store?: boolean | undefined;
}

/** `question:analyzed`: the result, to all devices of the session, logged. */
export interface VisionAnalyzed {
  questionId: string;
  analysis: VisionQuestionAnalysis;
  timings: Record<string, number>;
  timestamp: number;
  cached?: boolean;
  extensionId?: string;
}

/** `question:cancel` from a client: the analyses of this question that the session has under way. */
export interface VisionCancel {
  questionId: string;
}

/** One choice of a multiple-choice question. */
export interface VisionChoice {
  key: string;
  text: string;
  misconception?: string;
}

/** In pixels. */
export interface VisionDimensions {
  width: number;
  height: number;
}

/** `question:error`: an analysis came to nothing; to all devices of the session, not logged. */
export interface VisionFailed {
  questionId: string;
  code: string;
  message: string;
  extensionId?: string;
}

/** One thing that an analysis has to say about a question. */
export interface VisionInsight {
  kind: string;
  text: string;
}

/** Where a screenshot was taken. */
export interface VisionMetadata {
  url?: string | undefined;
  timestamp?: number | string | null | undefined;
  dimensions?: VisionDimensions | null | undefined;
}

/** `question:progress`: sent at once to all devices of the session, not logged. */
export interface VisionProgress {
  questionId: string;
  stage: string;
  fraction: number;
  partial?: Record<string, unknown>;
  extensionId?: string;
}

/** What was read from a screenshot or a text, as `question:analyzed` carries it. It never holds the answer. */
export interface VisionQuestionAnalysis {
  text: string;
  passage?: string;
  stem?: string;
  choices?: Array<VisionChoice>;
  section?: string;
  domain?: string;
  skill?: string;
  difficulty?: Record<string, number>;
  confidence?: Record<string, number>;
  matchedQuestionId?: string;
  insights?: Array<VisionInsight>;
  hasFigure?: boolean;
  expectedSeconds?: number;
}

/** `extension:screenshot` from a browser extension. */
export interface VisionScreenshot {
  extensionId: string;
  screenshot: string;
  userId?: string | null | undefined;
  questionId?: string | null | undefined;
  metadata?: VisionMetadata | undefined;
  store?: boolean | undefined;
}

/** What a client sends, by event. */
export interface ClientEvents {
  /** Set what the student aims at, and tell how far it is: all devices when it changed, else the asking one. */
  "analytics:goal": AnalyticsGoalQuery;
  /** Grade an answer if need be, count it, learn from it, and tell all devices. */
  "analytics:performance": AnalyticsAnswered;
  /** Send the asking device the practice of the last days. */
  "analytics:progress": AnalyticsProgressQuery;
  /** Payload of `auth:refresh`. */
  "auth:refresh": CoreRefreshRequest;
  /** A question is before the student. */
  "coaching:focus": CoachingFocus;
  /** Give the next hint to all devices, or one again to the asking device. */
  "coaching:hint": CoachingHintRequest;
  /** Send the asking device a page of messages. */
  "coaching:history": CoachingHistoryRequest;
  /** A student writes to the coach, or a tutor to a student. */
  "coaching:message": CoachingPost;
  /** Messages were read: all of the student's devices are told how many are left. */
  "coaching:read": CoachingReadRequest;
  /** Tell the asking device what it is told when it joins. */
  "coaching:state": Record<string, never>;
  /** Give the strategy of a skill or a question. */
  "coaching:strategy": CoachingStrategyRequest;
  /** See no more of a student. */
  "coaching:unwatch": CoachingWatchRequest;
  /** Let a tutor's device see what a student's devices see. */
  "coaching:watch": CoachingWatchRequest;
  /** An admin's device begins or ends to watch this process. */
  "dashboard:watch": DashboardWatch;
  /** Analyse what a browser extension sees. */
  "extension:screenshot": VisionScreenshot;
  /** Tell the asking device how one extension is, or all of them are. */
  "extension:state": ExtensionAsk;
  /** An extension says how it is. */
  "extension:sync": ExtensionSync;
  /** Analyse a picture or a text. */
  "question:analyze": VisionAnalyze;
  /** Give up what the session has under way for a question. */
  "question:cancel": VisionCancel;
  /** Recommend anew, as was last asked for; a mock test's module is handed in by it. */
  "recommendations:refresh": RecsRefresh;
  /** Recommend, and remember what was asked for. */
  "recommendations:request": RecsRequest;
  /** End the session: gather every plugin's part of the summary, tell all devices. */
  "session:end": CoreEnd;
  /** Send the shared state to the asking device. */
  "session:state": Record<string, never>;
  /** Patch the shared state and tell all devices. */
  "session:update": CoreUpdate;
  /** Payload of `user:connect`. */
  "user:connect": CoreJoinRequest;
  "user:disconnect": Record<string, never>;
}

/** What the server sends, by event. */
export interface ServerEvents {
  /** `analytics:goal`: what the student aims at, and how far it is. */
  "analytics:goal": AnalyticsGoal;
  /** `analytics:performance` to all devices of the session: the answer as it was recorded. */
  "analytics:performance": AnalyticsRecorded;
  /** `analytics:progress` to the asking device: every day of the range, also those without practice, oldest first. */
  "analytics:progress": AnalyticsProgress;
  /** `analytics:update`: everything a front end shows. */
  "analytics:update": AnalyticsUpdate;
  /** `auth:expiring`: renew the token with `auth:refresh`. */
  "auth:expiring": CoreExpiring;
  /** `coaching:hint` as the ack and to all devices of the session. */
  "coaching:hint": CoachingHint;
  /** `coaching:history`: messages, oldest first. */
  "coaching:history": CoachingHistory;
  /** `coaching:message` to all of the student's devices. */
  "coaching:message": CoachingMessage;
  /** `coaching:read` to all of the student's devices: what was read, and how many are not. */
  "coaching:read": CoachingRead;
  /** `coaching:said` to all of the student's devices: what the student wrote to the coach. */
  "coaching:said": CoachingSaid;
  /** `coaching:state` to a device that joins, and as the ack of a client's `coaching:state`. */
  "coaching:state": CoachingState;
  /** How a good tutor would teach one topic, as `coaching:strategy` carries it. */
  "coaching:strategy": CoachingStrategy;
  /** `dashboard:operations`: the process that the admin is connected to, in the interval that has just ended. */
  "dashboard:operations": DashboardFigures;
  /** `extension:state`: on each change, to all of the student's devices; logged. */
  "extension:state": ExtensionStateChanged;
  /** `extension:sync` to the student's other devices: what the extension has just said; not logged. */
  "extension:sync": ExtensionSynchronised;
  /** `notice:dropped`: messages of low priority did not reach this slow reader. */
  "notice:dropped": CoreDropped;
  /** `question:analyzed`: the result, to all devices of the session, logged. */
  "question:analyzed": VisionAnalyzed;
  /** `question:error`: an analysis came to nothing; to all devices of the session, not logged. */
  "question:error": VisionFailed;
  /** `question:progress`: sent at once to all devices of the session, not logged. */
  "question:progress": VisionProgress;
  /** `recommendations:update` to all devices of the session. */
  "recommendations:update": RecsUpdate;
  /** `room:joined`: the device is in another room from here on. */
  "room:joined": CoreRoomJoined;
  /** `room:left`: the device is in this room no more. */
  "room:left": CoreRoomLeft;
  /** What all devices are told when a session ends: contributions of plugins by their names. */
  "session:end": CoreEnded;
  /** The shared state in full. */
  "session:state": CoreState;
  /** What all devices are told of an update: the patch, and the state's version after it. */
  "session:update": CoreUpdated;
  /** Another device of the session has come (`user:connect`) or gone (`user:disconnect`). */
  "user:connect": CoreDeviceChange;
  /** Another device of the session has come (`user:connect`) or gone (`user:disconnect`). */
  "user:disconnect": CoreDeviceChange;
  /** `user:joined`: the client is in. What it missed follows. */
  "user:joined": CoreJoined;
}
