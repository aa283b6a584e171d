/** Frames of `bonsai.v1` as text and bytes. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Frames in one array. */
export const MAX_BATCH = 256;

/** A frame from the server. */
export interface ServerFrame {
  event: string;
  data?: unknown;
  id?: number;
  room?: string;
  offset?: number;
  epoch?: string;
  ts?: number;
}

/** A frame as listeners get it, next to its data. */
export interface Message<Data = unknown> {
  event: string;
  data: Data;
  /** The room that it was sent to; none when it is for this connection alone. */
  room?: string;
  /** Its place in the room's log, from 1; none when it is not logged. */
  offset?: number;
  /** When the server made it, in milliseconds since the epoch. */
  ts?: number;
  /** The bytes that came with it in a binary frame. */
  attachment?: Uint8Array;
}

/** Bytes of a text in UTF-8. */
export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** A frame as text; `json` is its data. */
export function encodeFrame(event: string, json: string, id?: number): string {
  return `{"event":${JSON.stringify(event)},${id ? `"id":${id},` : ""}"data":${json}}`;
}

/** The binary message of a frame with an attachment: big-endian length of the frame, the frame, the attachment. */
export function encodeBinary(frame: string, attachment: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = encoder.encode(frame);
  const bytes = new Uint8Array(4 + header.length + attachment.length);
  new DataView(bytes.buffer).setUint32(0, header.length);
  bytes.set(header, 4);
  bytes.set(attachment, 4 + header.length);
  return bytes;
}

/** The frames of a message from the server. Throws when it is none. */
export function decode(message: string | ArrayBuffer): [frames: ServerFrame[], attachment?: Uint8Array] {
  if (typeof message === "string") {
    const parsed = JSON.parse(message);
    return [Array.isArray(parsed) ? parsed : [parsed]];
  }
  const length = new DataView(message).getUint32(0);
  const frame = JSON.parse(decoder.decode(new Uint8Array(message, 4, length)));
  return [[frame], new Uint8Array(message, 4 + length)];
}

/** The bytes of a picture, given as bytes, as a Blob or File, or as a `data:` URL (what browsers make of a tab). */
export async function bytesOf(image: Blob | ArrayBuffer | Uint8Array | string): Promise<Uint8Array> {
  if (image instanceof Uint8Array) return image;
  if (typeof image === "string") {
    const [head = "", body] = image.split(",");
    if (!/^data:[^,]*;base64$/i.test(head) || !body)
      throw new TypeError("a picture as text must be a data: URL in base64");
    return Uint8Array.from(atob(body), (char) => char.charCodeAt(0));
  }
  return new Uint8Array(image instanceof ArrayBuffer ? image : await image.arrayBuffer());
}
