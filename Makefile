# Every target works on a machine that has Python 3.13, make and a package index; nothing else needs installing.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
# Without bytecode of its own, each start of Python compiles what it imports: seconds where one test takes less.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help install run demo simulate costs defences test test-fast check check-style check-types check-imports check-template format hooks lock clean build bench

PYTHON ?= $(shell command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WHEELS := .wheels

# `make run` and `make bench` options, e.g. `make run ACCOUNTS=accounts.json PORT=8080 SPEED=60`.
ACCOUNTS ?=
PORT ?=
SPEED ?=
# `make simulate` options: how many seeds; one seed, to see every step; known defects: also, only or none; those of them
# with these words in their names alone.
SEEDS ?= 1000
SEED ?=
DEFECTS ?= also
DEFECT ?=
# `make test` option: one test's name, pytest's -k expression or a path. By the environment, for any character may be in it.
export ONLY ?=
# A file's tests stay together, for they share what is made once; in the files' order the longest do not come last.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# `make build` options: x86_64 or arm64 (empty: the template's default), and where to.
ARCHITECTURE ?=
BUILD_DIR ?= .aws-sam/build

# sam and botocore want a region even where nothing is deployed; neither reads credentials here.
SAM := AWS_DEFAULT_REGION=$(or $(AWS_DEFAULT_REGION),us-east-1) SAM_CLI_TELEMETRY=0 $(BIN)/sam
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip
FUNCTIONS := $(wildcard functions/*/app.py)

##@ Use
help: ## Show the targets
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-15s%s\n", $$1, $$2}' Makefile

install: $(STAMP) ## Make .venv with the pinned, hash-checked requirements, and .venv/bin/bridge

$(STAMP): requirements/dev.txt
	@echo "== .venv: pinned requirements, about a minute"
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13) and "Python 3.13 is needed, this is " + sys.version.split()[0])'
	@rm -rf $(VENV)
	@"$(PYTHON)" -m venv $(VENV)
	@$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@printf '#!/bin/sh\nPYTHONPATH="%s$${PYTHONPATH:+:$$PYTHONPATH}" exec "%s" -m ops "$$@"\n' \
		"$(CURDIR)" "$(CURDIR)/$(BIN)/python" >$(BIN)/bridge
	@chmod +x $(BIN)/bridge
	@touch $@

run: $(STAMP) ## Serve the local stack until Ctrl-C (ACCOUNTS=file PORT=n SPEED=x)
	@$(BIN)/python -m local $(if $(ACCOUNTS),--accounts "$(ACCOUNTS)") $(if $(PORT),--port $(PORT)) $(if $(SPEED),--speed $(SPEED))

demo: $(STAMP) ## Play the sample conversation on the local stack
	@$(BIN)/python -m local.demo

##@ Develop
test: $(STAMP) ## Run the whole test suite, or the tests of one name (ONLY=name|expression|path)
	@$(BIN)/python -m $(if $(ONLY),local.only "$$ONLY",pytest $(PARALLEL))

test-fast: $(STAMP) ## Run the tests that start no processes and take no minutes, in one minute
	@$(BIN)/python -m pytest $(PARALLEL) -m "not processes and not slow"

simulate: $(STAMP) ## Run conversations under AWS's rules and faults (SEEDS=n, or SEED=n to replay one)
	@PYTHONPATH=layers/bridge:. $(BIN)/python -m local.simulation \
		$(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --defects $(DEFECTS)) $(if $(DEFECT),--defect "$(DEFECT)")

costs: $(STAMP) ## Count what the services do for one message, and price a million
	@PYTHONPATH=layers/bridge:. $(BIN)/python -m local.simulation.costs

defences: $(STAMP) ## Take out each defence of the threat model and see its test fail (minutes)
	@PYTHONPATH=layers/bridge:. $(BIN)/python -m local.defences

check: check-style check-types check-imports check-template ## Format, lint, types, imports, template

check-style: $(STAMP)
	@echo "== ruff"
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

check-types: $(STAMP)
	@echo "== mypy"
	@$(BIN)/python -m mypy layers/bridge/whatsapp_bridge local ops
	@for app in $(FUNCTIONS); do echo "$$app"; $(BIN)/python -m mypy "$$app" || exit 1; done

check-imports: $(STAMP)
	@echo "== imports"
	@PYTHONPATH=layers/bridge $(BIN)/python -c "from importlinter.cli import lint_imports_command; lint_imports_command()"

check-template: $(STAMP)
	@echo "== template"
	@$(SAM) validate --lint
	@$(BIN)/cfn-lint template.yaml

format: $(STAMP) ## Rewrite the sources the way `check` wants them
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

hooks: $(STAMP) ## Have git run `check` before each commit, as far as its files matter
	@$(BIN)/python -m pre_commit install

lock: $(STAMP) ## Pin requirements anew from requirements/*.in
	@echo "== layers/bridge/requirements.txt, requirements/dev.txt: minutes, every wheel's hash is looked up"
	@for pair in layer.in:layers/bridge/requirements.txt dev.in:requirements/dev.txt; do \
		$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header --no-emit-options \
			--no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
			--output-file "$${pair#*:}" "requirements/$${pair%%:*}" || exit 1; \
	done

clean: ## Remove what the targets made
	@rm -rf $(VENV) $(WHEELS) .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Measure and ship
bench: $(STAMP) ## Measure cold and warm times of every function
	@$(BIN)/python -m local.bench

# sam's builder checks hashes of wheels for this machine only, not of those it fetches for another architecture. So all
# are fetched here, checked, and sam is left no other place to take them from.
$(WHEELS)/.checked: layers/bridge/requirements.txt | $(STAMP)
	@echo "== $(WHEELS): the layer's wheels, hash-checked"
	@rm -rf $(WHEELS)
	@$(PIP) download --quiet --require-hashes --only-binary :all: --dest $(WHEELS) -r $<
	@for machine in aarch64 x86_64; do \
		$(PIP) download --quiet --require-hashes --only-binary :all: --dest $(WHEELS) -r $< \
			--implementation cp --python-version 3.13 --abi cp313 --abi abi3 --abi none \
			--platform manylinux2014_$$machine --platform manylinux_2_28_$$machine --platform manylinux_2_34_$$machine \
			|| exit 1; \
	done
	@touch $@

# As a URL, because pip takes blanks in this variable for the ends of addresses.
EMPTY :=
BLANK := $(EMPTY) $(EMPTY)
WHEELS_URL := file://$(subst $(BLANK),%20,$(CURDIR)/$(WHEELS))

build: $(STAMP) $(WHEELS)/.checked ## Build what is deployed (ARCHITECTURE=x86_64|arm64 BUILD_DIR=.aws-sam/build)
	@PATH="$(CURDIR)/$(BIN):$$PATH" PIP_NO_INDEX=1 PIP_FIND_LINKS="$(WHEELS_URL)" $(SAM) build \
		--build-dir "$(BUILD_DIR)" $(if $(ARCHITECTURE),--parameter-overrides Architecture=$(ARCHITECTURE))
	@$(BIN)/python -m local.layer "$(BUILD_DIR)/BridgeLayer"
