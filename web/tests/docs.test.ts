/** The code in our pages compiles, and so do the files for Next.js, as if they were in an application. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";
import { snippetsOf } from "../testing/snippets.ts";

const WEB = fileURLToPath(new URL("..", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What an application has that our pages speak of: Next.js, its own sign-in, a bundler. */
const HOST = {
  "deploy/nextjs/auth.ts": "export declare function auth(): Promise<{ user?: { id?: string } } | null>;",
  "next.d.ts": 'declare module "next/navigation" { export function redirect(path: string): never; }',
  "css.d.ts": 'declare module "*.css";',
};

const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(WEB, "tsconfig.json"), ts.sys.readFile).config,
  ts.sys,
  WEB,
);

/** What the compiler says of these files, which are taken to be in a folder of this workspace, for its packages. */
function complaints(files: Record<string, string>): string[] {
  const folder = join(WEB, "tests/pages");
  const virtual = new Map(Object.entries(files).map(([name, code]) => [join(folder, name), code]));
  const isFolder = (path: string): boolean => [...virtual.keys()].some((name) => name.startsWith(`${path}/`));
  const all = { ...options, noUnusedLocals: false, types: ["node", "chrome"] };
  const host = ts.createCompilerHost(all);
  const { fileExists, readFile, directoryExists } = host;
  host.fileExists = (path) => virtual.has(path) || fileExists.call(host, path);
  host.readFile = (path) => virtual.get(path) ?? readFile.call(host, path);
  host.directoryExists = (path) => isFolder(path) || Boolean(directoryExists?.call(host, path));
  const program = ts.createProgram([...virtual.keys()], all, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${file?.fileName.replace(`${folder}/`, "")}:${line} ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
}

/** The TypeScript of a page, in a folder of its own. */
function codeOf(page: string): Record<string, string> {
  const found = snippetsOf(page).filter(({ name }) => /\.tsx?$/.test(name));
  return Object.fromEntries(found.map(({ name, code }) => [join(dirname(page), name), code]));
}

function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
  const code = names.filter((name) => /\.tsx?$/.test(name)).map((name) => join(folder, name));
  return Object.fromEntries(code.map((name) => [name, readFileSync(join(ROOT, name), "utf8")]));
}

test("every line of TypeScript in our pages compiles, and so do the files for Next.js", () => {
  const pages = ["docs/frontend", "web/client", "web/react", "deploy/nextjs"].map((at) => codeOf(`${at}/README.md`));
  expect(pages.map((page) => Object.keys(page).length)).toEqual([6, 3, 2, 4]);
  const nextjs = filesIn("deploy/nextjs");
  expect(Object.keys(nextjs)).toHaveLength(4);
  const wrong = 'import { createWebSocketClient } from "@bonsai/client";\ncreateWebSocketClient({ uri: "/ws" });\n';
  expect(complaints({ ...Object.assign({}, ...pages), ...nextjs, ...HOST, "wrong.ts": wrong })).toEqual([
    expect.stringMatching(/^wrong\.ts:2 .*'uri'/), // so that we know that it looks
  ]);
});
