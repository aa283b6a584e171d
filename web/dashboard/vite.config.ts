/**
 * Builds the page into the plugin that serves it. Addresses are relative, so that it may be served at any path; there are
 * no inline scripts or styles, so that a strict Content-Security-Policy holds.
 */

import { fileURLToPath } from "node:url";
import { defaultClientConditions, defineConfig } from "vite";
import { licenses } from "./licenses.ts";

const SERVER = process.env.BONSAI_SERVER ?? "http://127.0.0.1:3001";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  plugins: [licenses()],
  resolve: { conditions: ["@bonsai/source", ...defaultClientConditions] },
  build: {
    outDir: process.env.BONSAI_DASHBOARD_OUT ?? "../../plugins/bonsai_dashboard/bonsai_dashboard/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    reportCompressedSize: false,
    rollupOptions: {
      onwarn(warning, warn) {
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE" && warning.code !== "SOURCEMAP_ERROR") warn(warning); // "use client"
      },
    },
  },
  server: {
    proxy: {
      "/ws": { target: SERVER.replace("http", "ws"), ws: true },
      "/dashboard": SERVER,
      "/api": SERVER,
    },
  },
});
