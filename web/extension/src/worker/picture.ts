/** Pictures of the visible tab. */

import { captureProblem, type Problem } from "../shared/problems.ts";

/** A picture that the server can take. */
export interface Picture {
  bytes: Uint8Array<ArrayBuffer>;
  width: number;
  height: number;
  /** Named after its content, so that the same picture is the same question. */
  questionId: string;
}

/** What a PNG that is too large is made into: quality of a JPEG, and scale. */
const SMALLER: [quality: number, scale: number][] = [
  [0.9, 1],
  [0.7, 1],
  [0.8, 0.5],
];

/** While a page is drawn anew, as when the panel opens beside it, Chrome may fail to read it; it takes two pictures a second. */
const ATTEMPTS = 3;
const PAUSE = 600;

/** What a window shows, as PNG, in which text stays sharp. */
export async function grab(windowId: number): Promise<Blob | Problem> {
  for (let attempt = 1; ; attempt++) {
    try {
      const url = await chrome.tabs.captureVisibleTab(windowId, { format: "png" });
      return await (await fetch(url)).blob();
    } catch (error) {
      const problem = captureProblem((error as Error).message);
      if (problem.code === "needs_gesture" || attempt === ATTEMPTS) return problem;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

/** The picture in at most so many bytes. */
export async function pictureOf(png: Blob, maxBytes: number): Promise<Picture | Problem> {
  const bitmap = await createImageBitmap(png);
  try {
    const { width, height } = bitmap;
    let blob = png;
    for (const [quality, scale] of SMALLER) {
      if (blob.size <= maxBytes) break;
      const canvas = new OffscreenCanvas(width * scale, height * scale);
      canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
    }
    if (blob.size > maxBytes) return { code: "too_large" };
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return { bytes, width, height, questionId: await nameOf(bytes) };
  } finally {
    bitmap.close();
  }
}

async function nameOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `page-${Array.from(digest.slice(0, 10), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
