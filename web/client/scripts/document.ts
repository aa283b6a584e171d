/** `/asyncapi.json` of a real server with every plugin of this workspace. */

import { readdir } from "node:fs/promises";
import { BonsaiServer } from "../../testing/server.ts";
import type { Document } from "./typescript.ts";

const PLUGINS = new URL("../../../plugins/", import.meta.url);

export async function workspaceDocument(): Promise<Document> {
  const plugins = (await readdir(PLUGINS)).map((folder) => folder.replace("bonsai_", ""));
  const server = await BonsaiServer.start({ plugins: plugins.join() });
  try {
    return (await server.asyncapi()) as Document;
  } finally {
    await server.stop();
  }
}
