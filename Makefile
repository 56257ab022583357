# One virtual environment, made on first use; every target works in a clean clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help setup drive test test-slow check format lint types layers clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(INSTALLED)  ## create the virtual environment and install everything

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

drive: setup  ## train on recordings/, drive a lap of the lake each way, print the table
	$(BIN)/python train/clone.py recordings --output model.h5
	$(BIN)/python drive/laps.py model.h5 --laps 1 --seeds 1 --both-directions

test: setup  ## run the tests
	$(BIN)/pytest -m 'not slow' --numprocesses 2 --dist loadfile

test-slow: setup  ## run the tests that take minutes
	$(BIN)/pytest -m slow

soak: setup  ## drive the server for 30 minutes, with faults
	$(BIN)/python drive/soak.py

fuzz: setup  ## feed the server 100,000 broken inputs
	$(BIN)/python tests/fuzz_server.py

check: setup format lint types layers test  ## everything that CI checks

format: setup
	$(BIN)/ruff format --check .

lint: setup
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache *.egg-info
