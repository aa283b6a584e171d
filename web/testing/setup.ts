/** One server for all tests that need none of their own. */

import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { BonsaiServer } from "./server.ts";

declare module "vitest" {
  interface ProvidedContext {
    port: number;
    secret: string;
  }
}

/** Plugins of tests. */
export const PLUGINS_DIR = fileURLToPath(new URL("plugins", import.meta.url));

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await BonsaiServer.start({
    plugins: "analytics,recs,coaching,extension,probe",
    pluginsDir: PLUGINS_DIR,
    env: { BONSAI_COACHING_DWELL_SECONDS: "0" },
  });
  project.provide("port", server.port);
  project.provide("secret", server.secret);
  return () => server.stop();
}
