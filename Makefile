# One virtual environment, made on first use; every target works in a clean clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PYTHON_CHECK := "import simulator_bridge.cli.python_check"

.PHONY: help setup drive test test-slow mutants check format lint types layers soak fuzz structure clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(INSTALLED)  ## create the virtual environment and install everything; PYTHON=python3.12 chooses a Python

# A virtual environment that a failed try has left, or one of a wrong Python, is made anew; what fails is removed.
$(INSTALLED): pyproject.toml constraints.txt
	@$(BIN)/python -c $(PYTHON_CHECK) 2>/dev/null && $(BIN)/pip --version >/dev/null 2>&1 || { rm -rf $(VENV); \
	  $(PYTHON) -c $(PYTHON_CHECK) && echo $(PYTHON) -m venv $(VENV) && \
	  { $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; }; }
	@echo "installing the packages, TensorFlow among them: a minute or two without a word"
	$(BIN)/pip install --quiet --quiet --upgrade pip
	$(BIN)/pip install --quiet --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

drive: setup  ## train on recordings/, drive a lap of the lake each way, print the table
	$(BIN)/python train/clone.py recordings --output model.h5
	$(BIN)/python drive/laps.py model.h5 --laps 1 --seeds 1 --both-directions

test: setup  ## run the tests
	$(BIN)/pytest -m 'not slow' --numprocesses 2 --dist loadfile

test-slow: setup  ## run the tests that take minutes
	$(BIN)/pytest -m slow

mutants: $(VENV)/.mutants  ## break the code on purpose, see which tests notice; MODULES="train.data.splits*" for some
	nice $(BIN)/mutmut run --max-children 2 $(MODULES)
	@$(BIN)/mutmut results

$(VENV)/.mutants: $(INSTALLED)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,mutants]'
	touch $@

check: setup format lint types layers test  ## everything that CI checks

format: setup  ## check the layout of the code
	$(BIN)/ruff format --check .

lint: setup  ## check for common mistakes
	$(BIN)/ruff check .

types: setup  ## check the types
	$(BIN)/mypy

layers: setup  ## check that imports go downwards and in no circle
	$(BIN)/lint-imports

soak: setup  ## drive the server for 30 minutes on each transport, with faults
	$(BIN)/python drive/soak.py --transport threading
	$(BIN)/python drive/soak.py --transport eventlet

fuzz: setup  ## break on purpose what the server reads: 200,000 inputs, 10,000 model files, all websocket cases
	$(BIN)/python tests/fuzz_websockets.py
	$(BIN)/python tests/fuzz_server.py --transport threading
	$(BIN)/python tests/fuzz_server.py --transport eventlet
	$(BIN)/python tests/fuzz_models.py

structure: setup  ## print files, folders, arrows between them, circles, lengths
	$(BIN)/python tests/structure_report.py

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis mutants *.egg-info
