#!/usr/bin/env bash
# Installs what is missing of the system's programs: `tools/apt.sh COMMAND[:PACKAGE] ...`.
# A program that is there already, from wherever, is left alone. No service is started.
set -euo pipefail

missing=()
for want in "$@"; do
  command -v "${want%%:*}" >/dev/null 2>&1 || missing+=("${want##*:}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "missing on this machine: ${missing[*]}. Install what your system calls that, then run this again." >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "missing on this machine: ${missing[*]}. Run: sudo apt-get install -y ${missing[*]}" >&2
  exit 1
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
options=(-q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
log=$(mktemp)
if ! { apt-get "${options[@]}" update && apt-get "${options[@]}" install -y --no-install-recommends "${missing[@]}"; } \
    > "$log" 2>&1 < /dev/null; then
  tail -n 30 "$log" >&2
  echo "could not install ${missing[*]} (all of apt's output: $log)" >&2
  exit 1
fi
rm -f "$log"
