/** What can go wrong, as one class with a code. */

/** An error frame of the server, as it came. */
export interface ErrorData {
  code?: string;
  message?: string;
  details?: unknown;
  retryAfterMs?: number;
  incident?: string;
}

/** More about an error. */
interface Circumstances {
  details?: unknown;
  retryAfterMs?: number;
  incident?: string;
  event?: string;
  id?: number;
  sent?: boolean;
  closeCode?: number;
}

/**
 * Something failed.
 *
 * `code` is one of the protocol's error codes (`invalid_payload`, `forbidden`, `handler_failed`, ...) when the server
 * refused a message, and otherwise: `queue_full` (the message was not taken), `timeout` (no answer in time), `closed`
 * (the client was closed or disconnected), `lost` (the connection; it is being made again), `unreachable` (no attempts
 * left), `unauthenticated`, `forbidden`, `replaced` (a newer connection of the same client), `refused` (for good).
 */
export class BonsaiError extends Error {
  override readonly name = "BonsaiError";
  /** Further data of the server, such as its list of what is invalid. */
  readonly details?: unknown;
  /** When another try may succeed. */
  readonly retryAfterMs?: number;
  /** The id under which the server logged the failure. */
  readonly incident?: string;
  /** The message that failed: its event and id. */
  readonly event?: string;
  readonly id?: number;
  /** Of a timeout: whether the message left at least once, so that it may have taken effect. */
  readonly sent?: boolean;
  /** The WebSocket close code that ended the connection. */
  readonly closeCode?: number;

  constructor(
    readonly code: string,
    message: string,
    circumstances?: Circumstances,
  ) {
    super(message);
    Object.assign(this, circumstances, { code, message });
  }
}
