/** Lets tests import the code of our pages: `import "snippet:docs/frontend/README.md/App.tsx"`. */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { snippetsOf } from "./snippets.ts";

const PREFIX = "snippet:";
/** Where the code is taken to be: in this workspace, for its packages. */
const FOLDER = fileURLToPath(new URL("pages", import.meta.url));

export function snippets(): Plugin {
  const codes = new Map<string, string>();
  return {
    name: "snippets",
    enforce: "pre",
    resolveId(id) {
      if (!id.startsWith(PREFIX)) return undefined;
      const [, page = "", wanted = ""] = /^(.*\.md)\/(.*)$/.exec(id.slice(PREFIX.length)) ?? [];
      const snippet = snippetsOf(page).find(({ name }) => name === wanted);
      if (!snippet) throw new Error(`${id}: there is no such code`);
      const path = join(FOLDER, page, wanted);
      codes.set(path, snippet.code);
      return path;
    },
    load: (id) => codes.get(id),
  };
}
