# `make demo` installs and runs the main job; `make test` installs and runs every check.
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NERFSTUDIO := .venv-nerfstudio
PYTEST := $(BIN)/python -m pytest

.PHONY: help install demo test check lint types quick smoke bench schema nerfstudio clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Extrude needs Python 3.11 or newer; call make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

install: $(STAMP) ## make .venv with everything the project needs

demo: $(STAMP) ## a clip, a 3-D asset and their reports, minutes after the clone
	$(BIN)/python run.py video/text_to_video
	$(BIN)/python run.py threed/text_to_3d

test: check ## every check

check: lint types $(STAMP) ## what CI runs: lint, types, all tests
	$(PYTEST) -q -n 2 --dist loadfile

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

quick: $(STAMP) ## the tests that take seconds
	$(PYTEST) -q -n 2 --dist loadfile -m 'not slow and not chromium and not node'

smoke: $(STAMP) ## every smoke preset through the command line
	$(PYTEST) -q tests/cli/test_smoke.py

bench: $(STAMP) ## speed and memory, as ratios of paired runs
	$(BIN)/python -m tests.benchmarks

schema: $(STAMP) ## the JSON schema that editors use
	$(BIN)/python run.py schema > configs/schema.json.partial
	mv configs/schema.json.partial configs/schema.json

$(NERFSTUDIO)/.installed: pyproject.toml tests/nerfstudio/constraints.txt
	$(PYTHON) -m venv $(NERFSTUDIO)
	$(NERFSTUDIO)/bin/python -m pip install --quiet --constraint tests/nerfstudio/constraints.txt --editable '.[dev,nerfstudio]'
	@touch $@

nerfstudio: $(NERFSTUDIO)/.installed ## the plugin of nerfstudio, tested in an environment of its own (4.5 GB)
	$(NERFSTUDIO)/bin/python -m pytest -q -W ignore tests/nerfstudio

clean: ## remove the environments, not your outputs
	rm -rf $(VENV) $(NERFSTUDIO) *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
