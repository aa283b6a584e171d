/**
 * What exactly-once needs across a reload, in IndexedDB: the clientId, the ids given, and the messages without an
 * answer. Tokens are never kept.
 *
 * Each tab has a journal of its own, for two clients with one clientId would give the same ids to different messages.
 * They are numbered; a Web Lock says which are in use, and a page takes a free one that holds messages before an empty
 * one, so that what a closed tab left is sent by the next page. A put may still be under way when the page is killed:
 * then the message is as lost as one never emitted, but no id is ever given twice, for ids are reserved in blocks, and
 * a message is sent only under an id of a block that is on disk.
 */

import type { Keeper, Kept, Start } from "./queue.ts";

/** Ids reserved at once. After a kill at most so many are skipped, far less than the server's window of 1000. */
const BLOCK = 200;
/** Journals on one origin that are looked through for messages of a closed tab. */
const MOST = 16;

type Facts = "clientId" | "sessionId" | "reserved";

/** An open journal: see `openJournal`. */
export interface Journal extends Keeper, Start {
  readonly clientId: string;
  readonly sessionId: string | undefined;
  /** Remember the session, so that a reload returns to it. */
  remember(sessionId: string): void;
  /** Let go of it, once all is written. */
  close(): void;
}

/**
 * Opens a journal that no other page uses.
 *
 * @param name those of one name belong to one user.
 * @param onReserved told the last id that may be sent, whenever there are more.
 * @returns undefined where the browser cannot keep anything.
 */
export async function openJournal(name: string, onReserved: (id: number) => void): Promise<Journal | undefined> {
  const locks = globalThis.navigator?.locks;
  if (!locks || !globalThis.indexedDB) return undefined;
  let free: Opened | undefined;
  try {
    // Numbers are used from 0 up: past the first one that is new there is none.
    for (let number = 0; number < MOST && !free?.isNew; number++) {
      const opened = await take(locks, `${name}/${number}`);
      if (!opened) continue;
      if (free && !opened.messages) {
        close(opened);
        if (opened.isNew) break;
      } else {
        close(free);
        free = opened;
        if (opened.messages) break;
      }
    }
    return free && (await read(free, onReserved));
  } catch {
    close(free); // private browsing, a full disk, a database of a newer version: do without
    return undefined;
  }
}

/** A database that is ours as long as we hold its lock. */
interface Opened {
  readonly db: IDBDatabase;
  readonly release: () => void;
  readonly messages: number;
  readonly isNew: boolean;
}

async function take(locks: LockManager, name: string): Promise<Opened | undefined> {
  const release = await lock(locks, name);
  if (!release) return undefined;
  try {
    const db = await open(name);
    const count = (store: string): Promise<number> => result(db.transaction(store).objectStore(store).count());
    return { db, release, messages: await count("messages"), isNew: !(await count("facts")) };
  } catch (error) {
    release();
    throw error;
  }
}

async function read(opened: Opened, onReserved: (id: number) => void): Promise<Journal> {
  const { db } = opened;
  const facts = db.transaction("facts").objectStore("facts");
  const fact = <T>(name: Facts): Promise<T | undefined> => result(facts.get(name) as IDBRequest<T | undefined>);
  const [known, sessionId, before = 0] = await Promise.all([
    fact<string>("clientId"),
    fact<string>("sessionId"),
    fact<number>("reserved"),
  ]);
  const clientId = known ?? newId();
  const kept: Kept[] = await result(db.transaction("messages").objectStore("messages").getAll());
  let last = before;
  let isOpen = true;
  let reserved = before + BLOCK;
  await set({ clientId, reserved });

  async function set(values: Partial<Record<Facts, unknown>>): Promise<void> {
    const transaction = db.transaction("facts", "readwrite", { durability: "strict" });
    for (const [name, value] of Object.entries(values)) transaction.objectStore("facts").put(value, name);
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  }

  function change(act: (messages: IDBObjectStore) => void): void {
    try {
      act(db.transaction("messages", "readwrite").objectStore("messages"));
    } catch {
      // Closed, or no room: the message stays in memory and is sent all the same.
    }
  }

  async function reserveTo(id: number): Promise<void> {
    reserved = id;
    try {
      await set({ reserved: id });
      onReserved(id);
    } catch {
      if (isOpen) setTimeout(reserveTo, 1000, id);
    }
  }

  return {
    clientId,
    sessionId,
    nextId: before + 1,
    reserved,
    kept,
    add: ({ id, event, rank, json, attachment }) =>
      change((messages) => messages.put({ id, event, rank, json, attachment })),
    remove: (id) => change((messages) => messages.delete(id)),
    reserve(id) {
      last = id;
      if (id > reserved - BLOCK / 2) void reserveTo(id + BLOCK);
    },
    remember(session) {
      if (session !== sessionId) set({ sessionId: session }).catch(() => undefined);
    },
    close() {
      isOpen = false;
      set({ reserved: last }).catch(() => undefined);
      close(opened);
    },
  };
}

/** A name that nobody else has. Node.js 18 has no global `crypto`. */
export function newId(): string {
  const bytes =
    globalThis.crypto?.getRandomValues(new Uint8Array(16)) ??
    Uint8Array.from({ length: 16 }, () => Math.random() * 256);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function close(opened: Opened | undefined): void {
  opened?.db.close();
  opened?.release();
}

/** Takes the lock if it is free. Returns how to let it go; the browser does when the page ends, however it ends. */
function lock(locks: LockManager, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (held) => {
        if (!held) return resolve(undefined);
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("messages", { keyPath: "id" });
    request.result.createObjectStore("facts");
  };
  return result(request);
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
