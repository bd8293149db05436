# One command each; `make help` lists them. Needs Python 3.11 to 3.13 and make, nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# The first Python on the path that the product supports.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo $$p && break; done)

RUN_FILE ?= configs/runs/demo.yaml

.PHONY: run test test-slow lint install compile bench parity demo-checkpoint proto lock clean help

run: $(STAMP)  ## run the whole pipeline on this machine, on the embedded data set (RUN_FILE=..., ARGS=...)
	@$(BIN)/urbandet run $(RUN_FILE) $(ARGS) || { code=$$?; [ $$code -eq 4 ] || exit $$code; }

test: $(STAMP)  ## run the fast tests (under 15 minutes on two cores)
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-slow: $(STAMP)  ## run the slow tests: real training, kills and restarts, large comparisons
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: $(STAMP)  ## check style, types, and that imports go one way
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(STAMP)  ## make .venv from the lock, ready to run and test

$(STAMP): requirements-dev.lock pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "No Python 3.11 to 3.13 on the path: install one, or name it: make PYTHON=/path/to/python3.12 $@"; exit 2; }
	@echo "Installing into $(VENV) with $(PYTHON) (about 2 GB, a few minutes the first time)"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

compile: $(STAMP)  ## compile the pipeline to pipeline.yaml
	$(BIN)/urbandet compile -o pipeline.yaml

bench: $(STAMP)  ## measure what benchmarks/ holds, as ratios against a named peer
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

parity: $(STAMP)  ## check the detector against recorded tensors: make parity GOLDEN=<folder>
	@[ -n "$(GOLDEN)" ] || { echo "Name the folder: make parity GOLDEN=../shared/golden/mobilenet"; exit 2; }
	@$(BIN)/python -m detection.parity $(GOLDEN)

demo-checkpoint: $(STAMP)  ## reproduce the small checkpoint that the demo starts from, and say what it reached
	$(BIN)/python -m pipeline.demo_checkpoint $(ARGS)

proto: $(STAMP)  ## generate the config schema's Python code from detection/config/pipeline.proto
	$(BIN)/python -m detection.config.generate_proto

lock:  ## resolve pyproject.toml anew into the two locks (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate -q -o requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate -q -o requirements-dev.lock

clean:  ## remove what was built and cached; runs/ stays
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

help:  ## show this list
	@echo "make run        the first thing to try"; echo
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | while IFS='|' read -r name text; do printf '  %-16s %s\n' "$$name" "$$text"; done
