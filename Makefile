# ConvScope: `make help` lists what there is.
PYTHON ?= python3
PORT ?= 8501
HOST = localhost  # not ?=, since some shells have one; HOST=0.0.0.0 lets other machines in
WORKERS ?= 3  # more than two cores: a browser test mostly waits
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
GPU ?= $(if $(wildcard $(VENV)/.app-gpu),1,0)  # what was chosen once stays until the other is said
KIND := $(if $(filter-out 0,$(GPU)),gpu,cpu)
REQUIREMENTS := $(if $(filter gpu,$(KIND)),requirements/gpu.txt,requirements.txt)
APP := $(VENV)/.app-$(KIND)
# A Python that is gone (the system's was upgraded) has nothing installed: what these files say holds no longer.
$(if $(wildcard $(VENV)/.app-*),$(shell $(BIN)/python -S -c '' 2>/dev/null || rm -f $(VENV)/.app-* $(VENV)/.dev $(VENV)/.onnx $(VENV)/.auth $(VENV)/.cluster))
NODE_PACKAGES := $(if $(shell command -v npm),node_modules/.current)
NO_NODE := @echo "No Node with npm found: the components' scripts are not checked. Get it, on Debian: apt-get install nodejs npm"

.PHONY: help app install setup whole-venv test test-slow cluster-test fuzz screenshots snapshots lint format bench load lock vendor
.DEFAULT_GOAL := help

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

app: install  ## install what is needed and serve the app on http://localhost:8501 (PORT=8600, HOST=0.0.0.0: for other machines too, GPU=1: with NVIDIA's libraries, ONNX=1: exports ONNX too, AUTH=1: people can sign in, CLUSTER=1: a store in PostgreSQL and S3)
	@$(BIN)/python -m cnn_core.engine.door $(PORT) $(strip $(HOST)) && exec $(BIN)/python -m streamlit run app.py --server.port $(PORT) --server.address $(strip $(HOST))

install: $(APP) $(if $(ONNX),$(VENV)/.onnx) $(if $(AUTH),$(VENV)/.auth) $(if $(CLUSTER),$(VENV)/.cluster)  ## install the same without serving it

setup: $(VENV)/.dev $(NODE_PACKAGES)  ## install all that app, tests and linters need; nothing when it is current

test: setup  ## run the tests: scripts, core, pages, browser
	$(if $(NODE_PACKAGES),npm test --silent,$(NO_NODE))
	@command -v chromium chromium-browser google-chrome chrome >/dev/null || echo "No Chromium found: the browser tests will be skipped. Get one, on Debian: apt-get install chromium"
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist loadfile $(ARGS)

test-slow: setup  ## run the slow tests: minutes each
	$(BIN)/python -m pytest -m slow -n $(WORKERS) --dist loadfile $(ARGS)

cluster-test: setup  ## run a whole cluster on this machine, and kill parts of it: some minutes (Debian: apt-get install postgresql nginx-light)
	$(BIN)/python -m pytest -m slow tests/cluster $(ARGS)

FUZZ_SECONDS ?= 120
FUZZ_SEED ?= $(shell date +%s)
fuzz: setup  ## search for pictures, zips, folder trees, models, bundles and links that break something (FUZZ_SECONDS=120, FUZZ_SEED= of a search before)
	FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_SEED=$(FUZZ_SEED) $(BIN)/python -m pytest -q -m "not slow" tests/fuzz tests/pages/test_random_links.py $(ARGS)

screenshots: setup  ## retake the pictures of README and tutorials from the running app (ARGS="see teach": some)
	$(BIN)/python -m benchmarks.screenshots $(ARGS)

snapshots: setup  ## retake the snapshots that the slow tests compare each page with
	CONVSCOPE_SNAPSHOTS=1 $(BIN)/python -m pytest -q -m slow tests/browser/test_snapshots.py

lint: setup  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(if $(NODE_PACKAGES),npm run lint --silent,$(NO_NODE))
	$(if $(NODE_PACKAGES),$(BIN)/python -m benchmarks.vendor --check)

format: setup  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(if $(NODE_PACKAGES),node_modules/.bin/eslint --fix .,$(NO_NODE))

bench: setup  ## run the benchmarks (OPENVINO=PYTHON: with OpenVINO, which that Python has)
	$(BIN)/python -m benchmarks.forward $(if $(OPENVINO),--openvino $(OPENVINO))
	$(BIN)/python -m benchmarks.frozen
	$(BIN)/python -m benchmarks.fine_tuning
	$(BIN)/python -m benchmarks.feel
	$(BIN)/python -m benchmarks.web
	$(BIN)/python -m benchmarks.zoom
	$(BIN)/python -m benchmarks.sight
	$(BIN)/python -m benchmarks.intake
	$(BIN)/python -m benchmarks.live
	$(BIN)/python -m benchmarks.kernel
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.gpu

load: setup  ## test the app under load: 200 readers without browsers, ten minutes (ARGS="--readers 20 --seconds 20": a small try)
	$(BIN)/python -m benchmarks.load $(ARGS)

COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header
lock: setup  ## rewrite the exact versions from requirements/*.in
	$(COMPILE) requirements/cpu.in -o requirements.txt
	$(COMPILE) requirements/gpu.in -o requirements/gpu.txt
	$(COMPILE) requirements/onnx.in -o requirements/onnx.txt
	$(COMPILE) requirements/auth.in -o requirements/auth.txt
	$(COMPILE) requirements/cluster.in -o requirements/cluster.txt
	$(COMPILE) requirements/dev.in -o requirements/dev.txt

vendor: setup  ## fetch LiteRT.js, which browsers run, from npm again, in the version that package.json names
	$(if $(NODE_PACKAGES),$(BIN)/python -m benchmarks.vendor,$(NO_NODE))

# Whatever is in the way of a whole .venv is mended or said: another Python, none, one without pip or its makings.
SUITS := import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else "ConvScope runs on Python 3.11, 3.12 and 3.13; this is " + sys.version.split()[0] + ". Try: make app PYTHON=python3.13")
NO_PYTHON := There is no $(PYTHON). Install Python 3.11, 3.12 or 3.13 (Debian, Ubuntu: apt-get install python3 python3-venv), or say where one is: make app PYTHON=/path/to/python3
NO_VENV := This Python cannot make a virtual environment: its ensurepip is missing. Debian, Ubuntu: apt-get install python3-venv. Then call make again.
whole-venv:
	@whole() { $(BIN)/python -c 'import pip._internal'; }; \
	{ $(BIN)/python -c '$(SUITS)' && { whole || { $(BIN)/python -m ensurepip && whole; }; }; } >/dev/null 2>&1 || { \
	  command -v "$(PYTHON)" >/dev/null || { echo "$(NO_PYTHON)" >&2; exit 1; }; \
	  "$(PYTHON)" -c '$(SUITS)' || exit 1; \
	  "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(NO_VENV)" >&2; exit 1; }; \
	  rm -rf $(VENV); echo "Making $(VENV) with $$("$(PYTHON)" --version)"; \
	  "$(PYTHON)" -m venv $(VENV); }

# tensorflow and tensorflow-cpu unpack into one folder: where the other may be, both go first, and NVIDIA's libraries.
# Last goes what only builders, testers and notebooks of these packages read, half a gigabyte.
$(APP): $(REQUIREMENTS) | whole-venv
	@test -e $@ || { rm -f $(VENV)/.app*; $(PIP) -q uninstall --yes tensorflow tensorflow-cpu $$(sed -n 's/^\(nvidia-[^=]*\)==.*/\1/p' requirements/gpu.txt); }
	$(PIP) install -r $(REQUIREMENTS)
	@find $(VENV)/lib/*/site-packages -type d \( -path '*/tensorflow/include' -o -name tests -o -name labextension -o -path '*/nbextension/static' -o -path '*/clang/native' \) -prune -exec rm -rf {} +
	@$(BIN)/python -m cnn_core.networks.embedded
	@touch $@

$(VENV)/.onnx: requirements/onnx.txt $(APP)
	$(PIP) install -r requirements/onnx.txt
	@touch $@

$(VENV)/.auth: requirements/auth.txt $(APP)
	$(PIP) install -r requirements/auth.txt
	@touch $@

$(VENV)/.cluster: requirements/cluster.txt $(APP)
	$(PIP) install -r requirements/cluster.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(APP)
	$(PIP) install -r requirements/dev.txt
	@touch $@

node_modules/.current: package-lock.json package.json
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
