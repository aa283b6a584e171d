import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";
import { snippets } from "./testing/vite-snippets.ts";

// Packages of this workspace are taken from their sources, so that nothing needs to be built before.
const conditions = ["@bonsai/source", ...defaultServerConditions];

export default defineConfig({
  plugins: [snippets()],
  esbuild: { jsx: "automatic" },
  // What is outside of this folder has the same packages.
  resolve: { conditions, dedupe: ["@bonsai/client", "@bonsai/react", "jose", "react"] },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["tests/*.test.{ts,tsx}", "*/tests/**/*.test.{ts,tsx}"],
    globalSetup: "testing/setup.ts",
    maxWorkers: 3, // tests wait more than they work
    minWorkers: 1,
    // Far above what a machine needs that has nothing else to do.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    restoreMocks: true,
    silent: "passed-only",
  },
});
