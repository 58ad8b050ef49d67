# Everything runs from one virtual environment, made from the locked requirements.
# The lock is complete: --no-deps keeps pip from looking for newer versions of what is in it.
# The newest python3 that is there is taken.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export DO_NOT_TRACK := 1
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
AUDIT := tests/python/browser/node_modules/.package-lock.json
.PHONY: help install demo test check lint sqlcheck sqlcheck-write scenarios scenarios-write pictures lock clean

help: ## show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

install: $(READY) ## set up .venv from the locked requirements

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "trueup needs Python 3.11 or later, with venv." >&2; exit 2; }
	@echo "Setting up $(VENV) with $(PYTHON) (once, one to two minutes) ..."
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## replay the night of 2026-02-03 and show what went wrong
	@$(BIN)/trueup demo

test: lint $(AUDIT) ## lint, then every test, sqlcheck among them
	@$(BIN)/python -m pytest

# Where npm is missing or reaches nothing, the audit is skipped, aloud (in CI it fails). Node knows its own
# certificates alone; the system's are those of the network that it is in.
$(AUDIT): export NODE_EXTRA_CA_CERTS ?= $(wildcard /etc/ssl/certs/ca-certificates.crt)
$(AUDIT): tests/python/browser/package-lock.json
	@npm ci --prefix tests/python/browser --silent --no-audit --no-fund --no-update-notifier --fetch-timeout=30000 \
		|| echo "Without axe-core from npm the report's accessibility audit is skipped." >&2

lint: $(READY) ## ruff, mypy, import-linter, sqlfluff, dbt parse: no warehouse needed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/sqlfluff lint --disable-progress-bar models tests/generic tests/singular
	@mkdir -p .trueup/profiles && cp profiles.example.yml .trueup/profiles/profiles.yml
	@$(BIN)/dbt --quiet --warn-error parse --profiles-dir .trueup/profiles

sqlcheck: $(READY) ## would BigQuery accept every statement? Google's own analyzer says
	@PYTHONPATH=tools $(BIN)/python -m sqlcheck

sqlcheck-write: $(READY) ## fill missing data_types of the models' contracts in
	@PYTHONPATH=tools $(BIN)/python -m sqlcheck --write

check: ## what CI runs
	@bash .ci/run

scenarios: $(READY) ## replay every golden night and compare with what it expects
	@PYTHONPATH=tests/python $(BIN)/python -m golden .trueup/golden
	@$(BIN)/trueup replay .trueup/golden

scenarios-write: $(READY) ## write the golden nights that are in scenarios/ again
	@PYTHONPATH=tests/python $(BIN)/python -m golden scenarios $(notdir $(wildcard scenarios/*))

pictures: $(READY) ## take the pictures of docs/images anew (needs Debian's chromium)
	@PYTHONPATH=tests/python $(BIN)/python tools/pictures.py

lock: $(READY) ## renew requirements.lock from pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --strip-extras \
		--no-emit-index-url --extra embedded --extra dev pyproject.toml --output-file requirements.lock

clean: ## remove what was made
	@rm -rf $(VENV) .trueup target logs tests/python/browser/node_modules
