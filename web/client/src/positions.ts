/**
 * How far each room was received: what to resume from, which message is a duplicate, where one is missing. Pure.
 *
 * Source: the offset + epoch recovery of Centrifugo (https://centrifugal.dev/docs/server/history_and_recovery).
 */

/** After the message with `offset`, in the log's life `epoch`. An empty epoch is none: it recovers nothing. */
export interface Position {
  epoch: string;
  offset: number;
}

/** A room in `user:joined`. */
export interface JoinedRoom extends Position {
  recovered: boolean;
}

/** Rooms that a server lets one connection resume. */
export const MAX_ROOMS = 64;
/**
 * Broken connections in a row, none of which brought a message further, after which the positions are given up: better
 * a full snapshot than the same failure for ever.
 */
const MAX_FRUITLESS = 3;

/** The position of every joined room. */
export class Positions {
  #rooms: Map<string, Position>;
  #offered = new Map<string, Position>();
  #fruitless = 0;

  /** @param known what was received up to where, as `known` told it in an earlier run. */
  constructor(known: Record<string, Position> = {}) {
    this.#rooms = new Map(Object.entries(known));
  }

  /** What was received up to where. */
  get known(): Record<string, Position> {
    return Object.fromEntries(this.#rooms);
  }

  /** The `resume` of a `user:connect`: at most `limit` rooms, those joined first. */
  offer(limit = MAX_ROOMS): Record<string, Position> {
    this.#offered = new Map([...this.#rooms].slice(0, limit));
    return Object.fromEntries(this.#offered);
  }

  /**
   * Take the `rooms` of a `user:joined`; those it does not name were left. A recovered room goes on where we were, for
   * its missed messages follow. Any other goes on where the server says: a full snapshot stands in for what came before.
   */
  joined(rooms: Record<string, JoinedRoom>): void {
    this.#rooms = new Map(
      Object.entries(rooms).map(([room, { epoch, offset, recovered }]) => {
        const offered = this.#offered.get(room);
        return [room, recovered && epoch && offered?.epoch === epoch ? offered : { epoch, offset }];
      }),
    );
  }

  /** A plugin put this connection into a room of its own. */
  enter(room: string, epoch: string, offset: number): void {
    this.#rooms.set(room, { epoch, offset });
  }

  /** A plugin took it out. */
  leave(room: string): void {
    this.#rooms.delete(room);
  }

  /** What to do with a room's message of this offset, and move on when it is to be delivered. */
  decide(room: string, offset: number, epoch?: string): "deliver" | "duplicate" | "gap" {
    const position = this.#rooms.get(room);
    if (position) {
      if (epoch && position.epoch && epoch !== position.epoch) return "gap";
      if (offset <= position.offset) return "duplicate";
      if (offset > position.offset + 1) return "gap";
    }
    this.#rooms.set(room, { epoch: position?.epoch ?? "", offset });
    this.#fruitless = 0;
    return "deliver";
  }

  /** A connection had to be given up because what came over it was wrong. */
  broke(): void {
    if (++this.#fruitless < MAX_FRUITLESS) return;
    this.#fruitless = 0;
    // Still offered, so that the server puts us into these rooms again, but recovered from no epoch.
    for (const position of this.#rooms.values()) position.epoch = "";
  }
}
