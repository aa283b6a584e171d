#!/usr/bin/env bash
# Remakes requirements.lock: what every member and every development tool needs, pinned and hashed for all platforms.
# `tools/lock.sh --upgrade` takes newer versions; without it what is locked stays, unless a member no longer allows it.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/python -m venv "$scratch/uv"
"$scratch/uv/bin/pip" install --quiet --disable-pip-version-check uv

[ ! -f requirements.lock ] || cp requirements.lock "$scratch/lock"
members=(pyproject.toml)
names=(--no-emit-package bonsai-core)
groups=(--group dev)
for member in plugins/*/pyproject.toml; do
  members+=("$member")
  if grep -q '^\[dependency-groups\]' "$member"; then
    groups+=(--group "$member:test")
  fi
  names+=(--no-emit-package "$(basename "$(dirname "$member")" | tr _ -)")
done
"$scratch/uv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
  --all-extras "${groups[@]}" "${names[@]}" "$@" --output-file "$scratch/lock" "${members[@]}"

# The lock names packages, never a registry.
if grep -nE 'https?://|^ *--(extra-)?index-url|^ *--find-links' "$scratch/lock"; then
  echo "requirements.lock would name a registry; it was left as it was" >&2
  exit 1
fi
{ echo '# Made by `make lock`: every version and every hash is pinned. Do not edit.'; cat "$scratch/lock"; } > requirements.lock.new
mv requirements.lock.new requirements.lock
