/** The code of our pages, so that tests compile and run what readers copy. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A block of code in a page. */
export interface Snippet {
  /** What its first line says in a comment, such as `app/page.tsx`, or its number. */
  name: string;
  code: string;
}

/** The blocks of TypeScript and JavaScript in a page, given by its path from the root of the repository. */
export function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/^```(tsx?|js)\n([\s\S]*?)^```$/gm)].map(([, language, code = ""], index) => ({
    name: /^\/\/ (\S+\.\w+)\n/.exec(code)?.[1] ?? `${index + 1}.${language}`,
    code,
  }));
}
