# Quarterdeck: `make run` watches your Lambda fleet (or a demo account), `make test` proves that it works.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; \
	done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.PHONY: run demo test check explore bench install browser clean

run: $(STAMP)   ## watch: real AWS with credentials, else the demo account (ARGS="--port 8600" passes options)
	@$(BIN)/quarterdeck run $(ARGS)

demo: $(STAMP)  ## watch the demo account, whatever credentials there are
	@$(BIN)/quarterdeck run --demo $(ARGS)

test: $(STAMP) browser  ## every test, the browser's included
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(STAMP) browser  ## what a change must pass: format, lint, types, layers, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

explore: $(STAMP) ## property tests alone, with many new random examples
	$(BIN)/pytest -n 3 -m hypothesis --hypothesis-profile explore $(ARGS)

bench: $(STAMP) ## speed and cost, as ratios
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Quarterdeck needs Python 3.11, 3.12 or 3.13: install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "cannot make $(VENV): on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV) (once; a minute or two) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo,dev]'
	@touch $@

browser:
	@.ci/browser

clean:          ## remove the environment; the store stays
	rm -rf $(VENV)
