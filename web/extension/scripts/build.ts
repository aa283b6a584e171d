/**
 * `npm run build -w @bonsai/extension`: what a browser loads, in dist/, or in the folder given as argument. Not minified,
 * so that it can be read there.
 */

import { cp, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

const out = process.argv[2] ?? at("dist");

await rm(out, { recursive: true, force: true });
await cp(at("public"), out, { recursive: true });
await build({
  entryPoints: {
    worker: at("src/worker/index.ts"),
    panel: at("src/panel/index.ts"),
    options: at("src/options/index.ts"),
  },
  outdir: out,
  bundle: true,
  format: "esm",
  target: "chrome123",
  conditions: ["@bonsai/source"],
  logLevel: "warning",
});
