#!/usr/bin/env bash
# Remakes requirements.txt: python-socketio and matplotlib with what they need, hash for hash, without what
# requirements.lock brings already. `bench/peers/lock.sh --upgrade` takes newer versions.
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/python -m venv "$scratch/uv"
"$scratch/uv/bin/pip" install --quiet --disable-pip-version-check uv

printf 'matplotlib\npython-socketio\n' > "$scratch/wanted.in"
[ ! -f bench/peers/requirements.txt ] || cp bench/peers/requirements.txt "$scratch/lock"
mapfile -t known < <(grep -oE '^[A-Za-z0-9_.-]+==' requirements.lock | sort -u | sed 's/==//' | grep -vE '^python-(socketio|engineio)$')
"$scratch/uv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
  --constraints requirements.lock "${known[@]/#/--no-emit-package=}" "$@" --output-file "$scratch/lock" "$scratch/wanted.in"

# As requirements.lock, it names packages, never a registry.
if grep -nE 'https?://|^ *--(extra-)?index-url|^ *--find-links' "$scratch/lock"; then
  echo "bench/peers/requirements.txt would name a registry; it was left as it was" >&2
  exit 1
fi
{ echo '# Made by bench/peers/lock.sh: every version and every hash is pinned. Do not edit.'; cat "$scratch/lock"; } > bench/peers/requirements.txt
