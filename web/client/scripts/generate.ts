/**
 * `npm run generate` writes src/events.ts, from the core and every plugin of this workspace.
 * `npm run generate -- http://127.0.0.1:3001 FILE.ts` writes the events of a running server, with plugins of your own.
 */

import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { documents } from "./documents.ts";
import { type Document, typescript } from "./typescript.ts";

const [server, file] = process.argv.slice(2).filter((argument) => argument !== "--");
const sources = server
  ? [(await (await fetch(new URL("/asyncapi.json", server))).json()) as Document]
  : await documents();
await writeFile(file ?? fileURLToPath(new URL("../src/events.ts", import.meta.url)), typescript(sources));
