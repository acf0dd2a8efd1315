# Every target makes its own virtual environment in .venv when there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-slow fuzz lint format bench docs clean

demo: $(READY)
	$(BIN)/glimpse demo

test: $(READY)
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile

test-slow: $(READY)
	$(BIN)/python -m pytest -q -m slow

fuzz: $(READY)
	$(BIN)/python -m benchmarks.robustness --inputs $(or $(INPUTS),2000) --seeds $(or $(SEEDS),0)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)
	$(BIN)/pip install -q -c constraints.txt -e ".[bench]"
	$(BIN)/python -m benchmarks

docs: $(READY)
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e ".[docs]"
	$(BIN)/python docs/build.py
	$(BIN)/python docs/build_site.py

clean:
	rm -rf $(VENV) build dist demo site .mypy_cache .ruff_cache .pytest_cache

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if (3,11) <= sys.version_info[:2] <= (3,13) else "Glimpse needs Python 3.11 to 3.13; this is %s.%s. Say which with: make PYTHON=python3.11 ..." % sys.version_info[:2])'
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e ".[test,dev]"
	touch $(READY)
