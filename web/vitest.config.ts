import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

// Packages of this workspace are taken from their sources, so that nothing needs to be built before.
const conditions = ["@bonsai/source", ...defaultServerConditions];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["tests/*.test.{ts,tsx}", "*/tests/**/*.test.{ts,tsx}"],
    globalSetup: "testing/setup.ts",
    maxWorkers: 3, // tests wait more than they work
    minWorkers: 1,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    restoreMocks: true,
    silent: "passed-only",
  },
});
