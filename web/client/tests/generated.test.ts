/** The generated types are those of the servers as they are now. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { sharedServer } from "../../testing/clients.ts";
import { workspaceDocument } from "../scripts/document.ts";
import { type Document, typescript } from "../scripts/typescript.ts";

const source = await readFile(new URL("../src/events.ts", import.meta.url), "utf8");

test("src/events.ts is up to date: `npm run generate` would not change it", async () => {
  expect(typescript(await workspaceDocument())).toBe(source);
});

test("every event of a server that runs is in it", async () => {
  const { components } = (await sharedServer().asyncapi()) as Document;
  const names = Object.values(components.messages)
    .filter(({ tags }) => tags[0]?.name !== "probe" && tags[0]?.name !== "core")
    .map(({ name }) => name);
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !source.includes(`"${name}": `))).toEqual([]);
});

test("`npm run generate` writes the events of a server that runs, with its own plugins", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bonsai-generated-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const web = fileURLToPath(new URL("../..", import.meta.url));
  const npm = ["--prefix", web, "run", "generate", "--silent", "--", sharedServer().http, "live-events.ts"];
  await promisify(execFile)("npm", npm, { cwd: folder });
  const written = await readFile(join(folder, "live-events.ts"), "utf8");
  expect(written).toContain("export interface ProbeCount {\n  key: string;\n}");
  expect(written).toContain('  "probe:count": ProbeCount;');
  expect(written).toContain('  "probe:counted": ProbeCounted;');
});

test("the generator prints what pydantic makes", () => {
  const document = {
    components: {
      messages: {
        "a.b.in": {
          name: "a:b",
          summary: "Say something.",
          tags: [{ name: "my_plugin" }],
          payload: { properties: { data: { $ref: "#/components/schemas/Say" } } },
        },
        "a.c.out": {
          name: "a:c",
          tags: [{ name: "my_plugin" }],
          payload: { properties: { data: { type: "string" } } },
        },
        "a.d.in": { name: "a:d", tags: [{ name: "my_plugin" }], payload: { properties: { data: {} } } },
      },
      schemas: {
        Say: {
          type: "object",
          description: "What is said.\n\nAttributes:\n    text: all of it.",
          required: ["text", "mood"],
          properties: {
            text: { type: "string" },
            mood: { enum: ["good", "bad"], type: "string" },
            parts: { type: "array", items: { $ref: "#/components/schemas/Say" } },
            at: { anyOf: [{ type: "integer" }, { type: "null" }] },
            more: { type: "object", additionalProperties: { type: "number" } },
          },
        },
      },
    },
  };
  expect(typescript(document).split("do not edit.\n */\n")[1]).toBe(`
/** What is said. */
export interface MyPluginSay {
  text: string;
  mood: "good" | "bad";
  parts?: Array<MyPluginSay> | undefined;
  at?: number | null | undefined;
  more?: Record<string, number> | undefined;
}

/** What a client sends, by event. */
export interface ClientEvents {
  /** Say something. */
  "a:b": MyPluginSay;
  "a:d": Record<string, never>;
}

/** What the server sends, by event. */
export interface ServerEvents {
  "a:c": string;
}
`);
});
