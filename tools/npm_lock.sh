#!/usr/bin/env bash
# Remakes package-lock.json of a folder: `tools/npm_lock.sh FOLDER`. Versions and hashes only, no addresses.
set -euo pipefail
cd "$1"
npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund
node -e '
  const fs = require("node:fs");
  const lock = JSON.parse(fs.readFileSync("package-lock.json", "utf8"));
  for (const entry of Object.values(lock.packages)) delete entry.funding;
  fs.writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n");
'
