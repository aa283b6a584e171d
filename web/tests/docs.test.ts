/** The TypeScript in our pages compiles, and so do the files for Next.js, as if they were in an application. */

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { snippetsOf } from "../testing/snippets.ts";

const WEB = fileURLToPath(new URL("..", import.meta.url));
const NEXTJS = fileURLToPath(new URL("../../deploy/nextjs", import.meta.url));

/** What an application has that our pages speak of: Next.js, its own sign-in, a bundler. */
const HOST = {
  "deploy/nextjs/auth.ts": "export declare function auth(): Promise<{ user?: { id?: string } } | null>;",
  "next.d.ts": 'declare module "next/navigation" { export function redirect(path: string): never; }',
  "css.d.ts": 'declare module "*.css";',
};
const OPTIONS = { paths: {}, noUnusedLocals: false, types: ["node", "chrome"] };

let application: string;

async function write(name: string, code: string): Promise<void> {
  await mkdir(join(application, dirname(name)), { recursive: true });
  await writeFile(join(application, name), code);
}

/** Writes the TypeScript of a page into a folder named after the page's; returns how many blocks it has. */
async function writeCode(folder: string): Promise<number> {
  const found = snippetsOf(`${folder}/README.md`).filter(({ name }) => /\.tsx?$/.test(name));
  for (const { name, code } of found) await write(join(folder, name), code);
  return found.length;
}

beforeAll(async () => {
  application = await mkdtemp(join(tmpdir(), "bonsai-pages-"));
  await symlink(join(WEB, "node_modules"), join(application, "node_modules"));
  await cp(NEXTJS, join(application, "deploy/nextjs"), { recursive: true });
  for (const [name, code] of Object.entries(HOST)) await write(name, code);
  const options = { extends: join(WEB, "tsconfig.json"), compilerOptions: OPTIONS, include: ["."] };
  await write("tsconfig.json", JSON.stringify(options));
});

afterAll(() => rm(application, { recursive: true, force: true }));

test("every block of TypeScript compiles, and so do the files for Next.js", async () => {
  expect(await writeCode("docs/frontend")).toBe(6);
  expect(await writeCode("web/client")).toBe(3);
  expect(await writeCode("web/react")).toBe(2);
  expect(await writeCode("deploy/nextjs")).toBe(4);
  // So that we know that the compiler looks.
  await write(
    "wrong.ts",
    'import { createWebSocketClient } from "@bonsai/client";\ncreateWebSocketClient({ uri: "/ws" });\n',
  );
  const compiler = join(WEB, "node_modules/typescript/bin/tsc");
  const compiled = promisify(execFile)(process.execPath, [compiler, "--pretty", "false"], { cwd: application });
  const { stdout } = await compiled.catch((error: { stdout: string }) => error);
  expect(stdout).toMatch(/^wrong\.ts\(2,.*'uri'.*\n$/);
});
