/**
 * `/asyncapi.json` of real servers: of the core alone, and of each plugin of this workspace.
 *
 * One server with all plugins would do, but its document has the payloads of all under the bare names of their models,
 * so that `Update` of one plugin stands in for `Update` of another.
 */

import { readdir } from "node:fs/promises";
import { BonsaiServer } from "../../testing/server.ts";
import type { Document } from "./typescript.ts";

const PLUGINS = new URL("../../../plugins/", import.meta.url);

/** The core's document, then those of the plugins by their names. */
export async function documents(): Promise<Document[]> {
  const plugins = (await readdir(PLUGINS)).map((folder) => folder.replace("bonsai_", "")).sort();
  const made: Document[] = [];
  const names = ["core", ...plugins].entries();
  const work = async (): Promise<void> => {
    for (const [index, name] of names) made[index] = await documentOf(name);
  };
  await Promise.all([work(), work()]);
  return made;
}

async function documentOf(plugin: string): Promise<Document> {
  const server = await BonsaiServer.start({ plugins: plugin });
  try {
    return (await server.asyncapi()) as Document;
  } finally {
    await server.stop();
  }
}
