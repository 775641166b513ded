# Every target sets up .venv from requirements.lock by itself, once. `make` alone lists them.

PYTHON ?= python3
UV     ?= uv
ROWS   ?= 1000000

VENV := .venv
BIN  := $(VENV)/bin

# Nothing here reports to anybody.
export YDATA_PROFILING_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.PHONY: help install demo test check lab app bench lock clean chromium test-all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

install: $(VENV)/.stamp ## set up .venv from the lock (done once; the other targets do it by themselves)
	@:

# The long part: what the lock names. Runs again only when the lock changes or the environment is broken.
$(VENV)/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null || { \
	  echo "Audit Workbench needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is $$(command -v '$(PYTHON)' >/dev/null && $(PYTHON) --version 2>&1 || echo missing)." >&2; \
	  echo "Name another one: make install PYTHON=python3.12" >&2; exit 2; }
	@echo "Setting up $(VENV) from requirements.lock (a few minutes, once)"
	@wanted=$$($(PYTHON) -c 'import sys; print(sys.version_info[:2])'); \
	 found=$$($(BIN)/python -c 'import sys; print(sys.version_info[:2])' 2>/dev/null || echo none); \
	 [ "$$wanted" = "$$found" ] || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -q --no-deps --no-compile --require-hashes -r requirements.lock
	@$(BIN)/python -m pip check -q
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true  # some packages ship templates that are no Python
	@touch $@

# The short part: this package itself, editable.
$(VENV)/.stamp: $(VENV)/.locked pyproject.toml
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

demo: install ## audit a real model on real data; the bundle goes to audits/
	@status=0; $(BIN)/workbench demo || status=$$?; \
	 case $$status in \
	   0) echo "make demo: done; the audit's verdict is pass or warn (workbench demo: exit 0)" ;; \
	   1) echo "make demo: done; the audit's verdict is fail, and that is its finding (workbench demo: exit 1)" ;; \
	   *) echo "make demo: the demo itself did not work (workbench demo: exit $$status)" >&2; exit $$status ;; \
	 esac

test: install chromium ## run the tests
	@$(BIN)/python -m pytest -q -n auto --dist loadgroup -m "not slow and not bench and not tier"

# What the tests of services need beside .venv: Spark and simulators from the second lock, servers from apt.
$(VENV)/.services: $(VENV)/.stamp tests/services/requirements.lock tests/services/install
	@tests/services/install $(BIN)/python
	@touch $@

TIERS := services spark brokers prometheus hdfs docker kubernetes jenkins airflow environments

$(TIERS:%=test-%): test-%: $(VENV)/.services
	@tests/services/tier $* $(BIN)/python

test-all: test $(TIERS:%=test-%) ## the tests, then every tier: services spark brokers prometheus hdfs docker kubernetes jenkins airflow environments

chromium:
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then :; \
	 elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	   echo "Installing Chromium for the browser tests (apt, once)"; \
	   export DEBIAN_FRONTEND=noninteractive; \
	   { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null \
	   || echo "Chromium could not be installed: the browser tests are skipped"; \
	 else \
	   echo "Chromium is missing and only root can install it (apt-get install chromium): the browser tests are skipped"; \
	 fi

check: install ## lint, format, types, walls between the rooms
	@$(BIN)/ruff check -q --output-format concise .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo

# Only this computer can reach either; JupyterLab looks for no news and no updates, and does not ask whether it should.
NO_NEWS := {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}

lab: install ## open the notebooks in JupyterLab
	@mkdir -p $(VENV)/etc/jupyter/labconfig
	@echo '$(NO_NEWS)' > $(VENV)/etc/jupyter/labconfig/default_setting_overrides.json
	@cd notebooks && ../$(BIN)/jupyter lab --LabApp.news_url=None \
	  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
	  $$([ "$$(id -u)" != 0 ] || echo --allow-root)

app: install ## open the reviewer's app on the bundles in audits/
	@[ -d audits ] || $(MAKE) demo
	@$(BIN)/workbench serve audits

bench: install ## measure, as ratios within one run; ROWS=20000 for a quick look
	@ROWS=$(ROWS) $(BIN)/python -m tests.bench

PIN = $(UV) pip compile pyproject.toml -q --universal --python-version 3.11 --generate-hashes --no-config \
  --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)

lock: ## write both lock files anew; keeps the pins that still fit, UPGRADE=1 renews them all
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: UV=path/to/uv" >&2; exit 2; }
	@$(PIN) --extra all --group dev -o requirements.lock
	@$(PIN) --extra spark --group services -c requirements.lock -o tests/services/requirements.lock

clean: ## remove .venv, caches and builds; audits/ stays
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
