/** What a page loads for the client. */

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

test("the client is under 8 KiB, minified and compressed", async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const size = gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
  console.info(`@bonsai/client: ${size} bytes`);
  expect(size).toBeGreaterThan(4000);
  expect(size).toBeLessThan(8 * 1024);
});
