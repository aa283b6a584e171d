# Bonsai Real-Time. On a fresh machine two commands do everything: `make run` and `make test`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
# The programs that tests need besides Python, as COMMAND or COMMAND:PACKAGE.
SYSTEM := redis-server node:nodejs npm chromium
# Everything that is type-checked; a tests folder of a plugin only once it holds Python.
TYPED := $(wildcard bonsai_core tests tools bench plugins/*/bonsai_*) $(sort $(dir $(wildcard plugins/*/tests/*.py)))
MEMBERS := $(wildcard plugins/*/pyproject.toml)

# The page that bonsai_dashboard serves, and everything that it is made of.
PAGE := plugins/bonsai_dashboard/bonsai_dashboard/static/index.html
PAGE_SOURCES := $(shell find web/dashboard web/client/src web/react/src -type f -not -path '*/tests/*' -not -name '*.md')
# Whether this machine can build it.
NODE := command -v npm && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 18 || (a === 18 && b >= 19) ? 0 : 1)'

.PHONY: help setup system run page web test check format bench chaos docs lock dist clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '%-13s %s\n' "$$name" "$$text"; done

.venv/.members: requirements.lock pyproject.toml $(MEMBERS) $(wildcard plugins) tools/venv.sh
	@tools/venv.sh
	@touch $@

setup: .venv/.members ## make .venv from requirements.lock, with every member of the workspace installed in place

system:
	@tools/apt.sh $(SYSTEM)

run: setup page ## serve on http://127.0.0.1:3001 with the embedded store, demo tokens, and students who practise
	@$(BIN)/python tools/run_demo.py

# The page, where there is Node.js: the server does without.
page:
	@if { $(NODE); } >/dev/null 2>&1; then $(MAKE) --no-print-directory web || echo "the web page could not be built; the server does without"; fi

web: $(PAGE) ## build the web page that the server shows; needs Node.js 18.19 or newer

$(PAGE): $(PAGE_SOURCES) web/node_modules/.done
	@echo "building the web page"
	@npm --prefix web run --silent build -w @bonsai/dashboard -- --logLevel error
	@touch $@

# npm is quick to say nothing and slow to do nothing, so a stamp says that its work is done.
%/node_modules/.done: %/package-lock.json
	@tools/apt.sh node:nodejs npm
	@npm ci --prefix $* --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

test: setup system check tests/node/node_modules/.done web/node_modules/.done web ## check, then every test: the workspace's with all plugins, each plugin's with only the core, those of web/
	@$(BIN)/python tools/run_tests.py

check: setup web/node_modules/.done ## lint, format, types and import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy $(TYPED)
	@for conftest in plugins/*/tests/conftest.py; do [ ! -e "$$conftest" ] || $(BIN)/mypy "$$conftest"; done
	@$(BIN)/lint-imports --no-logo
	@npm --prefix web run --silent check

format: setup web/node_modules/.done ## rewrite the code in the agreed format, and fix what lint can fix
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format
	@npm --prefix web run --silent format

bench: setup ## measure the event path
	@$(BIN)/python -m bench

SEEDS ?= 1 2 3 4 5 6 7 8 9 10
chaos: setup system ## kill nodes, freeze and restart Redis, break networks, and check the history; SEEDS="1 2 3"
	@for seed in $(SEEDS); do $(BIN)/python -m tests.chaos --nodes 3 --sessions 60 --messages 300 --pace 0.2 --kill-every 8 --seed $$seed || exit 1; done

docs: setup ## build the docs site into build/site, and check its links
	@$(BIN)/python tools/docs_site.py

lock: setup ## remake requirements.lock; `make lock UPGRADE=--upgrade` takes newer versions
	@tools/lock.sh $(UPGRADE)

dist: setup web ## build every member's wheel and source archive into dist/, and check them
	@rm -rf dist
	@for folder in . $(dir $(MEMBERS)); do $(BIN)/python -m build --no-isolation --outdir dist "$$folder" >/dev/null; done
	@$(BIN)/twine check --strict dist/*

clean: ## remove everything that make made
	rm -rf tests/node/node_modules web/node_modules web/*/dist $(dir $(PAGE)) .venv .venv.lock .alone .reports dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .cache
	find bonsai_core plugins tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
