/** The packages as npm would publish them: packed, installed into a project of its own, compiled against, and run. */

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newUser, sharedServer } from "../testing/clients.ts";

const run = promisify(execFile);
const WEB = fileURLToPath(new URL("..", import.meta.url));
const MODULES = join(WEB, "node_modules");

interface Packed {
  name: string;
  filename: string;
  files: { path: string }[];
}

let project: string;
let packages: Packed[];

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "bonsai-packages-"));
  const packed = ["pack", "-w", "client", "-w", "react", "--json", "--silent", "--pack-destination", project];
  packages = JSON.parse((await run("npm", packed, { cwd: WEB })).stdout);
  for (const { name, filename } of packages) {
    const folder = join(project, "node_modules", name);
    await mkdir(folder, { recursive: true });
    await run("tar", ["-xzf", join(project, filename), "-C", folder, "--strip-components=1"]);
  }
  await mkdir(join(project, "node_modules/@types"));
  for (const name of ["react", "react-dom", "ws", "@types/react"]) {
    await symlink(join(MODULES, name), join(project, "node_modules", name));
  }
  await writeFile(join(project, "package.json"), '{"type": "module"}');
});

afterAll(() => rm(project, { recursive: true, force: true }));

test("they hold what was built, its sources, and what npm shows: nothing else", () => {
  const belongs = /^(dist\/[\w-]+\.(js|d\.ts)(\.map)?|src\/[\w-]+\.tsx?|(README|CHANGELOG)\.md|LICENSE|package\.json)$/;
  const others = packages.map(({ files }) => files.map(({ path }) => path).filter((path) => !belongs.test(path)));
  expect(others).toEqual([[], ["styles.css"]]);
  for (const { files } of packages) {
    const paths = files.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(["LICENSE", "README.md", "dist/index.d.ts", "dist/index.js"]));
    const built = paths.filter((path) => path.endsWith(".js")).map((path) => path.slice(5, -3));
    const sources = paths.filter((path) => path.startsWith("src/")).map((path) => path.slice(4).replace(/\.tsx?$/, ""));
    expect(built).toEqual(sources);
  }
});

test("their maps lead to their sources", async () => {
  const map = await readFile(join(project, "node_modules/@bonsai/client/dist/client.js.map"), "utf8");
  expect(JSON.parse(map)).toMatchObject({ sources: ["../src/client.ts"] });
});

test("React takes the hooks for code of the browser", async () => {
  for (const file of ["index", "context", "dashboard", "use-web-socket"]) {
    const code = await readFile(join(project, `node_modules/@bonsai/react/dist/${file}.js`), "utf8");
    expect(code).toMatch(/^\/\*\*[^*]*\*\/\s*"use client";/);
  }
});

describe("an application compiles against them", () => {
  const CODE = `
    import { createWebSocketClient, type Payloads } from "@bonsai/client";
    import { RealTimeDashboard, useRealTimeAnalytics } from "@bonsai/react";
    const client = createWebSocketClient({ url: "wss://live.example.org" });
    client.on("recommendations:update", ({ questions }) => { questions[0]?.stem satisfies string | undefined; });
    export const panel = <RealTimeDashboard userId="ada" sessionId="s1" />;
    export const right = (update: Payloads.AnalyticsUpdate): number => update.currentSession.correctAnswers;
    export const numbers = (): number => useRealTimeAnalytics().analytics.performance.overall;
    // @ts-expect-error there is no such prop
    export const wrong = <RealTimeDashboard userId="ada" sessionId="s1" token="t" />;
  `;

  test.each([
    ["of a bundler", "esnext", "bundler"],
    ["of Node.js", "nodenext", "nodenext"],
  ])("with the resolution %s", async (_, module, moduleResolution) => {
    const compilerOptions = { strict: true, noEmit: true, jsx: "react-jsx", skipLibCheck: true, types: [] };
    const lib = ["es2022", "dom", "dom.iterable"];
    await writeFile(join(project, "app.tsx"), CODE);
    const options = JSON.stringify({
      compilerOptions: { ...compilerOptions, target: "es2022", lib, module, moduleResolution },
      files: ["app.tsx"],
    });
    await writeFile(join(project, "tsconfig.json"), options);
    const compiler = join(MODULES, "typescript/bin/tsc");
    const compiled = run(process.execPath, [compiler, "-p", project]).catch(({ stdout }) => ({ stdout }));
    expect((await compiled).stdout).toBe("");
  });
});

test("the client runs in Node.js as it was built, and React renders on a server", async () => {
  const server = sharedServer();
  const userId = newUser();
  const token = await server.token({ userId });
  const code = `
    import { createWebSocketClient } from "@bonsai/client";
    import { RealTimeDashboard } from "@bonsai/react";
    import { createElement } from "react";
    import { renderToString } from "react-dom/server";
    import { WebSocket } from "ws";
    const client = createWebSocketClient({ url: "${server.url}", auth: { token: process.env.TOKEN }, WebSocket });
    await client.connect();
    const answer = { questionId: "q1", correct: true, timeSpent: 30 };
    const graded = await client.request("analytics:performance", answer);
    client.close();
    const panel = createElement(RealTimeDashboard, { userId: "ada", sessionId: "s1", url: "/ws" });
    console.log(JSON.stringify({ graded, html: renderToString(panel) }));
  `;
  await writeFile(join(project, "run.js"), code);
  const { stdout } = await run(process.execPath, ["run.js"], { cwd: project, env: { ...process.env, TOKEN: token } });
  expect(JSON.parse(stdout)).toEqual({ graded: { correct: true }, html: expect.stringContaining("Live practice") });
});
