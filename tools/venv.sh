#!/usr/bin/env bash
# Brings .venv up to date with requirements.lock and the members of the workspace; the Makefile calls it when they changed.
# Several may run at a time in one checkout: the first does the work, the others wait for it.
set -euo pipefail
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

if command -v flock >/dev/null 2>&1; then
  exec 9> .venv.lock
  flock 9
fi

usable() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# Built with profile-guided optimization, as every distribution builds its own; an event costs a fifth more without.
optimized() {
  "$1" -c 'import sys, sysconfig
built = sysconfig.get_config_var("CONFIG_ARGS") or ""
sys.exit(sys.base_prefix != "/usr" and "--enable-optimizations" not in built)' >/dev/null 2>&1
}

# The newest Python for which all the given tests hold.
find_python() {
  for python in {,/usr/bin/}python3.{13,12,11} {,/usr/bin/}python3; do
    command -v "$python" >/dev/null 2>&1 || continue
    for test in "$@"; do
      "$test" "$python" || continue 2
    done
    command -v "$python"
    return
  done
  return 1
}

if [ ! -f .venv/.locked ] || ! usable .venv/bin/python; then
  if ! python=$(find_python usable optimized); then
    # The distribution's own may lack only the package that makes environments.
    tools/apt.sh python3-with-venv:python3-venv >/dev/null 2>&1 || true
    hash -r
    python=$(find_python usable optimized || find_python usable) || {
      echo "Python 3.11 or newer with venv is needed, and none was found (Debian: apt-get install python3-venv)" >&2
      exit 1
    }
  fi
  echo "making .venv with $("$python" --version)"
  "$python" -m venv --clear .venv
fi

if [ ! .venv/.locked -nt requirements.lock ]; then
  echo "installing the locked packages (about half a minute)"
  .venv/bin/python -m pip install -qq --require-hashes -r requirements.lock
  touch .venv/.locked
fi

# Every member is installed in place, so that its entry points are found; one that is gone is uninstalled.
members=$(ls -d . plugins/*/ | while read -r folder; do [ ! -f "$folder/pyproject.toml" ] || echo "${folder%/}"; done)
newest=$(ls -t pyproject.toml plugins/*/pyproject.toml 2>/dev/null | head -n 1)
if [ ! .venv/.members -nt "$newest" ] || [ ! .venv/.members -nt .venv/.locked ] || [ "$(cat .venv/.members)" != "$members" ]; then
  gone=$(.venv/bin/python -m pip list --editable --format=freeze 2>/dev/null | sed 's/==.*//')
  # shellcheck disable=SC2086
  [ -z "$gone" ] || .venv/bin/python -m pip uninstall -qq --yes $gone
  # shellcheck disable=SC2046
  .venv/bin/python -m pip install -qq --no-deps --no-index --no-build-isolation $(printf -- '-e %s ' $members)
  echo "$members" > .venv/.members
fi
