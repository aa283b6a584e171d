/** Tells how large the built page's scripts are together, compressed, and fails above the limit: `npm run size`. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT = 150 * 1024;
const here = dirname(fileURLToPath(import.meta.url));
const built =
  process.env.BONSAI_DASHBOARD_OUT ?? join(here, "../../../plugins/bonsai_dashboard/bonsai_dashboard/static");

const scripts = readdirSync(built, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
const sizes = scripts.map((name) => ({ name, bytes: gzipSync(readFileSync(join(built, name)), { level: 9 }).length }));
const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
for (const { name, bytes } of sizes.sort((a, b) => b.bytes - a.bytes)) {
  console.log(`${String(bytes).padStart(8)}  ${name}`);
}
console.log(`${String(total).padStart(8)}  together; the limit is ${LIMIT}`);
process.exit(sizes.length > 0 && total <= LIMIT ? 0 : 1);
