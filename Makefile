# Everything from a clean clone with python3 and make: each target makes the environment it needs.
#
#   make demo     train a network on handwritten digits, draw its graph, save its weights
#   make test     the tests and the examples in the docstrings
#   make lint     formatting, lint, types
#   make parity   the same operators and programs on PyTorch 2.13.0 and here (installs torch, some 800 MB)
#   make bench    the speed figures of the README, then of every operator (some 5 minutes), interleaved with PyTorch's
#   make fuzz     long runs of random programs, here and on PyTorch, and of damaged files
#   make docs     the documentation, into docs/_build/html
#   make clean    removes environments, caches and outputs
#
# PYTHON=python3.12 chooses the interpreter, WORKERS=4 the test processes, ARGS='-k name' is given to the tool.

PYTHON  ?= python3
WORKERS ?= 2
ARGS    ?=
TORCH   ?= torch==2.13.0

VENV   := .venv
PARITY := .venv-parity
PY     := $(VENV)/bin/python
TORCHPY := $(PARITY)/bin/python
PIP_FLAGS := --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test lint lint-format lint-rules lint-types format parity bench docs fuzz clean
.DELETE_ON_ERROR:

help:
	@sed -n '2,/^$$/{s/^# \{0,1\}//;p;}' Makefile

# ---- environments: a stamp file says which extras are in; a changed pyproject.toml installs again ----------

# Where venv cannot bring pip along (Debian without python3-venv), the interpreter's own pip fills it.
define make_venv
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Rushlight needs Python 3.11 or later; choose one: make PYTHON=python3.12 ...")'
@test -x $(1)/bin/python && $(1)/bin/python -m pip --version >/dev/null 2>&1 \
  || $(PYTHON) -m venv --clear $(1) >/dev/null 2>&1 \
  || { $(PYTHON) -m venv --clear --without-pip $(1) && $(PYTHON) -m pip --python $(1)/bin/python install $(PIP_FLAGS) pip; }
endef

$(VENV)/.base: pyproject.toml
	$(call make_venv,$(VENV))
	$(PY) -m pip install $(PIP_FLAGS) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml
	$(call make_venv,$(VENV))
	$(PY) -m pip install $(PIP_FLAGS) -e '.[dev]'
	@touch $@ $(VENV)/.base

$(VENV)/.docs: pyproject.toml
	$(call make_venv,$(VENV))
	$(PY) -m pip install $(PIP_FLAGS) -e '.[docs]'
	@touch $@ $(VENV)/.base

$(PARITY)/.ready: pyproject.toml
	$(call make_venv,$(PARITY))
	$(TORCHPY) -m pip install $(PIP_FLAGS) '$(TORCH)' -e '.[parity]'
	@touch $@

# ---- what to do with them -----------------------------------------------------------------------------------

demo: $(VENV)/.base
	$(PY) -m rushlight demo $(ARGS)

test: $(VENV)/.dev
	$(PY) -m pytest -n $(WORKERS) $(ARGS)

lint: lint-format lint-rules lint-types   # `make -k lint` runs all three even when one fails

lint-format: $(VENV)/.dev
	$(PY) -m ruff format --check --quiet .

lint-rules: $(VENV)/.dev
	$(PY) -m ruff check .

lint-types: $(VENV)/.dev
	$(PY) -m mypy

format: $(VENV)/.dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

parity: $(PARITY)/.ready
	$(TORCHPY) -m pytest -n $(WORKERS) tests/parity $(ARGS)

# NumPy's BLAS chooses its kernels by itself here: a forced kernel would measure something else.
bench: $(PARITY)/.ready
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(TORCHPY) benchmarks/overhead.py
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(TORCHPY) benchmarks/operators.py $(ARGS)

fuzz: $(PARITY)/.ready
	RUSHLIGHT_FUZZ=long $(TORCHPY) -m pytest -n $(WORKERS) -m soak tests $(ARGS)

docs: $(VENV)/.docs
	$(PY) -m sphinx -W --keep-going -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

clean:
	rm -rf $(VENV) $(PARITY) build dist docs/_build rushlight-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests examples benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +
