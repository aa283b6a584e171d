/** A build step that puts the licences of all packages in the page beside it, as they ask: `licenses.txt`. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";

const FILE = "licenses.txt";

/** Collects the packages that the bundle's modules, styles and fonts come from. */
export function licenses(): Plugin {
  return {
    name: "licenses",
    apply: "build",
    generateBundle() {
      const texts = new Map<string, string>();
      for (const id of this.getModuleIds()) {
        const folder = packageOf(id.replace(/^\0/, "").replace(/\?.*$/, ""));
        if (folder === undefined) continue;
        const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
        const text = readdirSync(folder).find((file) => /^(licen[cs]e|ofl)(\.\w+)?$/i.test(file));
        if (text === undefined) this.error(`${name} has no licence text`);
        texts.set(`${name} ${version} (${license})`, readFileSync(join(folder, text), "utf8").trim());
      }
      const source = [...texts].sort().map(([title, text]) => `${title}\n\n${text}\n`);
      this.emitFile({ type: "asset", fileName: FILE, source: source.join(`\n${"-".repeat(80)}\n\n`) });
    },
  };
}

/** The folder of the installed package that a file belongs to. */
function packageOf(file: string): string | undefined {
  const found = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(`${dirname(file)}/`)?.[1];
  return found !== undefined && existsSync(join(found, "package.json")) ? found : undefined;
}
