# Every target does its own set-up, says in one line what it installs, and starts at once the second time:
# the stamp files in .venv are newer than the lock files they stand for.

VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
ARGS :=
# What takes as long as all other tests.
APART := tests/integration tests/laws
# An old make mixes the output of the two runs.
SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
MINUTES := 10
SEED := 1

# uv when it is there, else pip. Both install exactly what the lock says, by hash.
ifdef UV
pip_install = $(UV) pip install --quiet --python $(BIN)/python
else
# A .venv that uv made has no pip yet.
pip_install = { $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; } && \
              $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

.PHONY: help install install-dev services demo test test-integration test-others check bench quality chaos lock clean

help:
	@echo "make demo      a drift story through the real engine, needs nothing but Python"
	@echo "make test      all tests, on a real Kafka and a real Redis (installed when missing)"
	@echo "make check     ruff, mypy --strict, import-linter, schemas up to date"
	@echo "make bench     speed, as ratios in one run"
	@echo "make quality   false alerts and delays, simulated and on real data, beside other methods"
	@echo "make chaos     workers under load and faults of all kinds (MINUTES=10 SEED=1), verdict from the log alone"
	@echo "make install   only the installation into $(VENV)"
	@echo "make lock      write the requirements locks anew (needs uv)"
	@echo "make clean     remove everything that was installed or generated"

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

demo: install
	@$(BIN)/driftgauge demo $(ARGS)

# Two runs beside each other, so that one computes while the other waits for its servers. With ARGS: one, of these.
test: install-dev services
ifeq ($(strip $(ARGS)),)
	@echo "All tests, in two runs that each tell what they found when they end"
	@$(MAKE) --no-print-directory --keep-going --jobs=2 $(SYNC) test-integration test-others
else
	@$(BIN)/python -m pytest $(ARGS)
endif

test-integration: export DRIFTGAUGE_TEST_PORTS := 0
test-integration:
	@$(BIN)/python -m pytest $(APART)

test-others: export DRIFTGAUGE_TEST_PORTS := 1
test-others:
	@$(BIN)/python -m pytest $(addprefix --ignore=,$(APART))

check: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/driftgauge schema export --check

bench: install
	@$(BIN)/python -m bench $(ARGS)

quality: install
	@$(BIN)/python -m bench.quality $(ARGS)

chaos: install-dev services
	@PYTHONPATH=tests $(BIN)/python -m fault.chaos --minutes $(MINUTES) --seed $(SEED) $(ARGS)

# Kafka and Redis for the tests. The script looks first and is quick when all is there.
services: install-dev
	@PYTHONPATH=tests $(BIN)/python -m services.install

# The newest Python that the locked wheels are built for; a still newer one only when there is no other.
# Each candidate is run, since a name on the PATH may be a shim without a Python behind it.
$(VENV)/.made:
	@python=; \
	for range in '(3, 11) <= v < (3, 15)' '(3, 15) <= v'; do \
	    for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	        if [ -z "$$python" ] && "$$name" -c "import sys; v = sys.version_info; sys.exit(not $$range)" 2>/dev/null; \
	        then python=$$name; fi; \
	    done; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "driftgauge needs Python 3.11 or newer, and none is on the PATH: install python3.11 (or newer), then run make again." >&2; \
	    exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$python" --version)"; \
	if [ -n "$(UV)" ]; then \
	    "$(UV)" venv --quiet --clear --no-python-downloads --python "$$(command -v "$$python")" $(VENV) || exit 1; \
	elif "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    "$$python" -m venv --clear $(VENV) || exit 1; \
	else \
	    echo "$$python comes without venv: apt-get install python3-venv (or install uv), then run make again." >&2; \
	    exit 1; \
	fi; \
	touch $@

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/.made
	@echo "Installing driftgauge and its libraries into $(VENV) (about 500 MB, once)"
	@$(pip_install) --require-hashes -r requirements.lock
	@$(pip_install) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing the tools for tests and checks into $(VENV)"
	@$(pip_install) --require-hashes -r requirements-dev.lock
	@touch $@

# One resolution for Python 3.11 to 3.14 and every system; no index address is written into the files.
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
       --custom-compile-command 'make lock' $(ARGS) pyproject.toml --group build

lock:
	@if [ -z "$(UV)" ]; then echo "make lock needs uv: pipx install uv, then run make lock again." >&2; exit 1; fi
	$(LOCK) -o requirements.lock
	$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) .services .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis bench/results driftgauge-demo
