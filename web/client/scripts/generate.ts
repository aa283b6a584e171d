/**
 * `npm run generate` writes src/events.ts, from the core and every plugin of this workspace.
 * `npm run generate -- http://127.0.0.1:3001 FILE.ts` writes the events of a running server, with plugins of your own.
 */

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { workspaceDocument } from "./document.ts";
import { type Document, typescript } from "./typescript.ts";

const [server, file] = process.argv.slice(2).filter((argument) => argument !== "--");
const document = server
  ? ((await (await fetch(new URL("/asyncapi.json", server))).json()) as Document)
  : await workspaceDocument();
// npm runs this in a folder of its own: a path is meant from where its caller is.
const target = file && resolve(process.env.INIT_CWD ?? "", file);
await writeFile(target ?? fileURLToPath(new URL("../src/events.ts", import.meta.url)), typescript(document));
