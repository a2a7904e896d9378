# `make nightly` is the whole house: environment, embedded PostgreSQL, demo OPD, one night.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
# The tools that `make bench` compares with have an environment of their own.
PEERS := .venv-bench
UPGRADE := --upgrade
# The first of these that is there and is 3.11, 3.12 or 3.13; or name one: make PYTHON=/opt/python3.12/bin/python3
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo "$$p" && break; done)

IMPORTED_AT_START := dagster._cli, dagster._cli.dev, dagster._daemon.cli, dagster._grpc.server, dagster_dg_cli.cli, \
	dagster_postgres, dagster_webserver.cli, great_expectations, pandas, sqlalchemy.dialects.postgresql.psycopg, sqlglot

# Where it is set, every process would compile the libraries anew: seconds at each start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help nightly ui test coverage snapshot images docs bench lint types imports check format lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z.\/]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

nightly: $(VENV)/.ready ## one night: all sources, all models, all publications (starts what it needs)
	@$(BIN)/gudang nightly

ui: $(VENV)/.ready ## Dagster's web UI on http://127.0.0.1:3000, until Ctrl-C
	@$(BIN)/gudang ui

test: $(VENV)/.ready ## all tests; what needs a server that isn't there is skipped (in CI: fails)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

snapshot: $(VENV)/.ready ## writes tests/unit/definitions.txt anew: what users of Dagster see
	RENEW_SNAPSHOT=1 $(BIN)/python -m pytest -q tests/unit/test_definitions_snapshot.py

images: $(VENV)/.ready ## docs/images/ui-*.png anew: the screenshots of tests/e2e/test_ui.py (imagemagick makes them small)
	@rm -rf build/images
	CI=true GUDANG_TEST_SCREENSHOTS=$(CURDIR)/build/images $(BIN)/python -m pytest -q tests/e2e/test_ui.py
	@rm -f docs/images/ui-*.png
	@for image in build/images/*.png; do \
		name=docs/images/ui-$$(basename $$image); \
		if command -v convert >/dev/null; then convert $$image -strip -colors 256 -define png:compression-level=9 $$name; \
		else cp $$image $$name; fi; done

# sys.monitoring (Python 3.12) costs 5 % of the time; the tracer of 3.11 two thirds more.
coverage: $(VENV)/.ready ## unit tests, and how much of pipelines/ they run; fails below the floor of pyproject.toml
	COVERAGE_CORE=$$($(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")') \
		$(BIN)/python -m pytest -n 2 tests/unit --cov --cov-report=term

bench: $(VENV)/.ready $(PEERS)/.ready ## what loads cost, measured here against the least they could (options: make bench BENCH=--quick)
	@$(BIN)/gudang bench $(BENCH)

lint: $(VENV)/.ready ## ruff: faults and format; sqlfluff: the SQL of dbt_like_sql/
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint -q dbt_like_sql/models dbt_like_sql/tests

types: $(VENV)/.ready ## basedpyright, strict, on pipelines/
	$(BIN)/basedpyright

imports: $(VENV)/.ready ## import-linter: the layers of pyproject.toml
	$(BIN)/lint-imports

check: lint types imports ## lint + types + imports

format: $(VENV)/.ready ## mends what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.ready ## the site of docs/ in build/site/index.html; a broken link is an error
	@rm -rf build/docs build/site && mkdir -p build
	@cp -r docs build/docs
	@# Pages from the root: there their links go to docs/, here they stand in it.
	@for page in CONTRIBUTING SECURITY CHANGELOG; do \
		sed 's#](docs/#](#g; s#](CHANGELOG.md#](changelog.md#g; s#](SECURITY.md#](security.md#g; s#](CONTRIBUTING.md#](contributing.md#g' \
			$$page.md > build/docs/$$(echo $$page | tr '[:upper:]' '[:lower:]').md; done
	@$(BIN)/typer pipelines.cli.main utils docs --name gudang --title 'All commands of gudang' --output build/docs/gudang.md
	@$(BIN)/zensical build --clean --strict
	@echo "make: file://$(CURDIR)/build/site/index.html"

lock: ## renews requirements.lock from pyproject.toml (needs uv); make lock UPGRADE= moves no version without need
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
		--no-strip-extras --no-header --no-annotate -q -o requirements.lock
	uv pip compile --group peers --universal --python-version 3.11 --generate-hashes $(UPGRADE) --no-strip-extras \
		--no-header --no-annotate -q -o benchmarks/peers.lock

clean: ## removes the environment and the caches; data (.gudang) stays: `gudang reset` deletes that
	rm -rf $(VENV) $(PEERS) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find pipelines demo tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

$(VENV)/.ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11, 3.12 or 3.13 found (on Debian 12 or later: apt install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "make: $(PYTHON) has no venv module (on Debian: apt install python3-venv)" >&2; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	@# pip and setuptools first, from the same lock: an old pip takes twice as long, and what comes as source is then
	@# built without fetching anything unpinned.
	@awk '/^[^ #]/ {keep = /^(pip|setuptools)==/} keep' requirements.lock > $(VENV)/build.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes -r $(VENV)/build.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes --no-deps --no-build-isolation -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@# Bytecode of what every start imports, ahead: a third of compiling everything, and the first night doesn't pay for it.
	$(BIN)/python -c 'import $(IMPORTED_AT_START)'
	@touch $@

$(PEERS)/.ready: benchmarks/peers.lock $(VENV)/.ready
	rm -rf $(PEERS)
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r benchmarks/peers.lock
	@touch $@
