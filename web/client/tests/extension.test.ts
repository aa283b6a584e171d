/** What browser extensions send: their state, and pictures. */

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { newClient, newUser, sharedServer } from "../../testing/clients.ts";

const server = sharedServer();
const picture = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 251);
const sha256 = createHash("sha256").update(picture).digest("hex");

test.each([
  ["bytes", picture],
  ["an ArrayBuffer", picture.buffer],
  ["a Blob", new Blob([picture])],
  ["a data: URL", `data:image/png;base64,${Buffer.from(picture).toString("base64")}`],
])("a screenshot given as %s arrives byte for byte", async (_, image) => {
  const client = await newClient(server);
  await client.connect();
  const metadata = { url: "https://example.org/", timestamp: 1, dimensions: { width: 800, height: 600 } };
  expect(await client.sendScreenshot(image, { extensionId: "x1", metadata })).toEqual({
    sha256,
    extensionId: "x1",
    metadata,
  });
});

test("a picture that is none is refused before it is sent", async () => {
  const client = await newClient(server);
  await expect(client.sendScreenshot("https://example.org/a.png")).rejects.toThrowError(TypeError);
});

test("an attachment larger than the server takes is refused here", async () => {
  const client = await newClient(server);
  await client.connect();
  const attachment = new Uint8Array(9 * 1024 * 1024);
  await expect(client.request("probe:upload", {}, { attachment })).rejects.toMatchObject({ code: "too_large" });
  expect(await client.request("probe:upload", {}, { attachment: picture })).toEqual({ sha256, about: {} });
});

test("the newest state of an extension is sent; what it replaced while offline is not", async () => {
  const userId = newUser();
  const page = await newClient(server, { auth: { userId } });
  const extension = await newClient(server, { auth: { userId }, device: { kind: "extension" } });
  const told: string[] = [];
  page.on("extension:sync", (sync) => told.push(sync.currentUrl ?? ""));
  await page.connect();
  const sync = (path: string): ReturnType<typeof extension.syncExtension> =>
    extension.syncExtension({ extensionId: "x1", isActive: true, currentUrl: `https://example.org/${path}` });
  const answers = [sync("a"), sync("b"), sync("c")];
  await extension.connect();
  expect((await Promise.all(answers)).map((answer) => answer.changed)).toEqual([true, true, true]);
  await sync("d");
  await page.request("session:state");
  expect(told).toEqual(["https://example.org/c", "https://example.org/d"]);
});
