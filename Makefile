# Two commands do everything: `make demo` and `make test`. Both make `.venv` on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check format docs release-check clean

## demo: install, draw the sample world, convert, de-duplicate, train, measure, write demo/work/index.html
demo: $(VENV)/whole
	$(BIN)/rs-caption demo demo

## test: install the test needs, run every check and every test
test: $(VENV)/test check
	$(BIN)/pytest -n auto --dist worksteal

## check: formatting, lint and types
check: $(VENV)/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

## format: put the code into shape
format: $(VENV)/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

## docs: the documentation as a site; open docs/_build/html/index.html
docs: $(VENV)/docs
	$(BIN)/python docs/site/build.py

## release-check: build wheel and sdist, install and use the wheel in an empty environment of each Python
PYTHONS ?= python3.11 python3.12 python3.13
release-check: $(VENV)/test
	.ci/release $(BIN)/python $(PYTHONS)

# Each mark says that a step succeeded; pyproject.toml decides when an installation is out of date.
$(VENV)/made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rs-caption needs Python 3.11 or newer; make PYTHON=python3.11")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"
	touch $@

$(VENV)/core: $(VENV)/made pyproject.toml
	@echo "Installing the core: about a minute"
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/whole: $(VENV)/core
	@echo "Installing PyTorch and all that trains, measures and draws: some minutes"
	$(BIN)/pip install --quiet --editable ".[train,bench,report]"
	touch $@

$(VENV)/test: $(VENV)/core
	@echo "Installing what the tests need: about a minute"
	$(BIN)/pip install --quiet --group test
	touch $@

$(VENV)/docs: $(VENV)/core
	$(BIN)/pip install --quiet --group docs
	touch $@

## clean: remove what make and the checks made: .venv, demo, the site, caches
clean:
	rm -rf $(VENV) docs/_build demo dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
