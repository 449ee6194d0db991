# make demo    install what running needs and watch a network learn to read handwriting
# make test    install what developing needs and run every test
# make check   style, types, architecture and the fast tests
# make format  put the code into its one style
#
# Another Python:            make demo PYTHON=/path/to/python3.12
# Settings for pip, such as  make demo PIP_FLAGS="--index-url ..."   (a smaller PyTorch without CUDA)

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.installed-runtime
DEVELOPMENT := $(VENV)/.installed-development
# Byte code is compiled when a module is first imported; compiling all of PyTorch ahead only costs time.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile $(PIP_FLAGS)
PATHS := seqlabel data_prep recipes benchmarks tests

.PHONY: demo test check format clean

demo: $(RUNTIME)
	@$(BIN)/python -m recipes.digits.demo

test: $(DEVELOPMENT)
	$(BIN)/python -m pytest

check: $(DEVELOPMENT)
	$(BIN)/ruff check $(PATHS)
	$(BIN)/ruff format --check $(PATHS)
	$(BIN)/mypy --strict
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -m "not slow"

format: $(DEVELOPMENT)
	$(BIN)/ruff check --fix-only $(PATHS)
	$(BIN)/ruff format $(PATHS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(BIN)/python:
	@for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	    if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	        echo "making $(VENV) with $$("$$candidate" --version)"; \
	        exec "$$candidate" -m venv --clear $(VENV); \
	    fi; \
	done; \
	echo "seqlabel needs Python 3.11 or newer with its venv module; python3 here is" \
	    "$$(python3 --version 2>/dev/null || echo missing). Install one (Debian, Ubuntu: apt install python3" \
	    "python3-venv) or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1

$(RUNTIME): pyproject.toml | $(BIN)/python
	@echo "installing seqlabel into $(VENV) (PyTorch is large: a few minutes the first time)"
	@$(PIP) --editable .
	@touch $@

$(DEVELOPMENT): pyproject.toml | $(BIN)/python
	@echo "installing seqlabel and its development tools into $(VENV) (PyTorch is large: a few minutes the first time)"
	@$(PIP) --editable '.[dev]'
	@touch $(RUNTIME) $@
