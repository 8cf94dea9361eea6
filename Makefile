# Needs python3, make and, for the first call, a network. Makes its environments under .venv/.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# Python 3.13: what the user says, one on the PATH that works, one of pyenv's, or uv downloads it.
PYTHON = $(or $(UV_PYTHON),$(PATH_PYTHON),$(PYENV_PYTHON),3.13)
PATH_PYTHON = $(shell python3.13 -c 'import sys; print(sys.executable)' 2>/dev/null)
PYENV_PYTHON = $(shell PYENV_VERSION=$$(pyenv versions --bare 2>/dev/null | grep -E '^3\.13\.[0-9]+$$' | tail -1) \
	pyenv which python3.13 2>/dev/null)

# An environment whose Python was removed, by an upgrade for one, starts nothing: it is made anew.
$(shell for python in .venv/*/bin/python3.13; do \
	if [ -L "$$python" ] && [ ! -e "$$python" ]; then rm -f "$${python%/bin/*}/.stamp"; fi; done)

UV := .venv/tools/bin/uv
DEV := .venv/dev/bin
CLIENTS := openai-3 openai-2-21 openai-2-3 litellm google mcp
LOCKS := $(addprefix requirements/,audit.txt bench.txt browser.txt checkov.txt cli.txt dev.txt local.txt runtime.txt sam.txt tools.txt $(CLIENTS:=.txt)) \
	layers/dependencies/requirements.txt layers/google/requirements.txt layers/thumbnails/requirements.txt
COMPILE = $(UV) pip compile pyproject.toml --quiet --generate-hashes --universal --python-version 3.13 \
	--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command 'make locks'

export SAM_CLI_TELEMETRY := 0
# An environment that the user has active is not ours; and without bytecode every process compiles all that it imports.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV UV_PYTHON PYTHONDONTWRITEBYTECODE

.PHONY: animation audit bench build check checkov clean cli costs deploy docs e2e faults format gates help key lint load locks openapi reconcile redrive run screenshots
.PHONY: sam-local task tasks template test types usage validate

# A star: the four to begin with.
help: ## This list
	@awk -F ':.*## ' '/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {starred = sub(/^[*] /, "", $$2); printf "  %s make %-11s %s\n", starred ? "*" : " ", $$1, $$2}' \
		$(firstword $(MAKEFILE_LIST))

##@ Use it

# `Ready after …` counts from here, environments included.
run: export RUN_BEGAN := $(shell date +%s)
run: .venv/local/.stamp .venv/runtime/.stamp .venv/sam/.stamp ## * The whole system at http://localhost:8000, until Ctrl-C
	@exec .venv/local/bin/python -m devstack

sam-local: .venv/local/.stamp .venv/runtime/.stamp .venv/sam/.stamp ## The same with the API in Lambda containers, by Docker
	@exec .venv/local/bin/python -m devstack.sam

##@ Operate it (STACK=… one deployed, else what `make run` runs)

OPERATE = @PYTHONPATH=layers/videoapi:cli .venv/local/bin/python -m videoapi_cli.operator.operations $(if $(STACK),--stack $(STACK))

tasks: .venv/local/.stamp ## What waits and what runs (ARGS=--all: what has ended too)
	$(OPERATE) tasks $(ARGS)

task: .venv/local/.stamp ## One task's story: ID=…
	$(OPERATE) task -- "$${ID-}"

key: .venv/local/.stamp ## An API key for NAME=…, shown once (ARGS="--usd-per-day 5 --webhook URL", --list, --revoke …)
	$(OPERATE) key $(ARGS) -- "$${NAME-}"

redrive: .venv/local/.stamp ## Queue dead letters again
	$(OPERATE) redrive

usage: .venv/local/.stamp ## What all keys made and spent, a row a day (ARGS="--from 2026-01-01 --to 2026-01-31")
	$(OPERATE) usage $(ARGS)

reconcile: .venv/local/.stamp ## Hold a bill against the tasks: BILL=file.csv with job_id, time and amount
	$(OPERATE) reconcile -- "$${BILL-}"

# What is installed is the clone's own files, so that an update of the clone is one of the command.
cli: .venv/cli/.stamp ## The command line `videoapi`, in .venv/cli (everywhere: pipx install ./cli)
	@$(UV) pip install --quiet --no-deps --no-build-isolation --offline --python .venv/cli/bin/python -e cli
	@echo "Call it as $$PWD/.venv/cli/bin/videoapi, or first: export PATH=\"$$PWD/.venv/cli/bin:\$$PATH\""

##@ Work on it

NO_STACK := --ignore=tests/e2e --ignore=tests/fault_injection
test: .venv/dev/.stamp .venv/bench/.stamp .venv/runtime/.stamp .venv/sam/.stamp ## * Tests that need no running stack (the slow ones: make gates)
	@echo "Running some 10,000 tests: under three minutes on two free processors, the first time a minute more …"
	@$(DEV)/pytest $(NO_STACK) --ignore=tests/fuzz -m 'not slow' -n auto --dist worksteal $(COVERAGE) $(ARGS)

# Coverage is measured here alone: it takes half as long again. Running stacks wait most of their time, so they go beside the rest.
# What the tests on running stacks need besides, `make e2e` sets up beside style and types.
check: $(patsubst %,.venv/%/.stamp,dev bench local runtime sam checkov audit) ## * All that CI runs, with 100 % branch coverage
	@mkdir -p .local
	@echo "The tests on running stacks run meanwhile; what they say comes at the end, or see .local/e2e.log"
	@set -m; $(MAKE) e2e >.local/e2e.log 2>&1 & stacks=$$!; failed=0; \
	trap 'kill -INT -- -$$stacks; wait; exit 130' INT TERM; \
	$(MAKE) lint types audit validate checkov || { kill -INT -- -$$stacks; wait; exit 1; }; \
	$(MAKE) test gates COVERAGE=--cov || failed=1; \
	echo "Waiting for the tests on running stacks: tail -f .local/e2e.log"; \
	wait $$stacks || failed=1; cat .local/e2e.log; \
	cat .local/audit-skipped 2>/dev/null; exit $$failed

RUNNING := .venv/dev/.stamp .venv/local/.stamp .venv/runtime/.stamp .venv/sam/.stamp
# Three at once, for they wait a good part of their time; tests/e2e/conftest.py says what goes together, and first.
e2e: $(RUNNING) $(CLIENTS:%=.venv/%/.stamp) .venv/node/.stamp .venv/browser/.stamp .venv/cli/.stamp ## The tests on running local stacks
	@$(DEV)/pytest $(wildcard tests/e2e tests/fault_injection) -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(RUNNING) ## Workers killed at every step, load, chaos and a day (half an hour); writes .local/faults.md
	@$(DEV)/pytest tests/fault_injection --long --table .local/faults.md -q -s $(ARGS)

# They measure instructions and memory, each in a process of its own, which nothing beside changes. The requests that
# schemathesis makes have one name for all, which xdist would run once. Status 5: ARGS chose none.
SLOW = $(sort $(shell grep -rl --include='test_*.py' 'mark\.slow' tests))
gates: .venv/dev/.stamp .venv/bench/.stamp .venv/runtime/.stamp .venv/sam/.stamp ## What takes long and needs no stack: instructions (with valgrind), memory, builds, cfn-lint
	@$(DEV)/pytest tests/fuzz $(ARGS) || [ $$? = 5 ]
	@$(DEV)/pytest $(filter-out tests/fuzz/%,$(SLOW)) $(NO_STACK) -m slow -n auto --dist loadfile --no-loadscope-reorder $(ARGS) || [ $$? = 5 ]

lint: .venv/dev/.stamp ## Style and format
	@$(DEV)/ruff check .
	@$(DEV)/ruff format --check .

format: .venv/dev/.stamp ## Put the format right, and what else ruff can repair
	@$(DEV)/ruff check --fix-only .
	@$(DEV)/ruff format .

types: .venv/dev/.stamp ## mypy, strict
	@$(DEV)/mypy

template: validate ## template.yaml: SAM's rules, cfn-lint's on the translated one, our own
	@$(DEV)/pytest tests/infrastructure $(ARGS)

validate: .venv/dev/.stamp .venv/sam/.stamp
	@.venv/sam/bin/sam validate --lint --region us-east-1

checkov: .venv/dev/.stamp .venv/checkov/.stamp ## checkov on the translated template, less what .checkov.yaml skips
	@mkdir -p .local
	@$(DEV)/python -m tests.support.template > .local/translated.json
	@.venv/checkov/bin/checkov --config-file .checkov.yaml --file .local/translated.json

audit: .venv/audit/.stamp ## Known vulnerabilities in what the locks pin (skipped without PyPI's advisories)
	@.venv/audit/bin/python -m tools.audit $(wildcard requirements/*.txt layers/*/requirements.txt)

openapi: .venv/dev/.stamp ## The OpenAPI document and the documentation page, from the models
	@PYTHONPATH=layers/videoapi $(DEV)/python -m tools.openapi

docs: .venv/dev/.stamp ## Settings and models into docs/ and .env.example
	@PYTHONPATH=layers/videoapi $(DEV)/python -m tools.configuration
	@PYTHONPATH=layers/videoapi $(DEV)/python -m tools.models_page

animation: .venv/local/.stamp .venv/runtime/.stamp .venv/sam/.stamp ## The picture of the README, of a video that is really made
	@.venv/local/bin/python -m tools.animation

screenshots: .venv/local/.stamp .venv/runtime/.stamp .venv/sam/.stamp .venv/browser/.stamp .venv/node/.stamp ## The playground's pictures in docs/ (needs Chromium and Node)
	@.venv/local/bin/python -m tools.screenshots

locks: .venv/tools/.stamp ## The newest versions within pyproject.toml's ranges, into every lock
	@rm -f $(LOCKS)
	@$(COMPILE) --group dev -o requirements/dev.txt
	@$(COMPILE) --group local -c requirements/dev.txt -o requirements/local.txt
	@$(COMPILE) --group runtime -c requirements/dev.txt -o requirements/runtime.txt
	@$(COMPILE) --group layer -c requirements/dev.txt -o layers/dependencies/requirements.txt
	@$(COMPILE) --group thumbnails -c requirements/dev.txt -o layers/thumbnails/requirements.txt
	@$(COMPILE) --group google-auth -c requirements/dev.txt -o layers/google/requirements.txt
	@$(COMPILE) --group bench -c requirements/dev.txt -o requirements/bench.txt
	@for client in $(CLIENTS); do $(COMPILE) --group $$client -o requirements/$$client.txt; done
	@$(COMPILE) --group browser -o requirements/browser.txt
	@$(COMPILE) --group cli -c requirements/dev.txt -o requirements/cli.txt
	@$(COMPILE) --group checkov -o requirements/checkov.txt
	@$(COMPILE) --group audit -o requirements/audit.txt
	@$(COMPILE) --group sam -o requirements/sam.txt
	@$(COMPILE) --group tools -o requirements/tools.txt

clean: ## Remove environments, builds, caches and the local stack's state
	@rm -rf .venv .aws-sam .local .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Deploy it

# ENV is also what POSIX shells call their start-up file: only one said to make counts.
SAID_ENV = $(if $(filter command,$(firstword $(origin ENV))),$(filter-out dev,$(ENV)))
deploy: build ## * To AWS, by samconfig.toml: ENV=prod (dev unless said), STACK=… another name
	@PATH="$$PWD/.venv/sam/bin:$$PATH" sam deploy $(if $(SAID_ENV),--config-env $(SAID_ENV)) \
		$(if $(STACK),--stack-name $(STACK) --s3-prefix $(STACK)) $(ARGS)

build: .venv/sam/.stamp ## What is deployed, into .aws-sam/build
	@RELEASE=$$(date -u +%Y-%m-%dT%H:%M:%SZ) PATH="$$PWD/.venv/sam/bin:$$PATH" sam build

##@ Measure it

bench: .venv/dev/.stamp .venv/bench/.stamp .venv/local/.stamp .venv/runtime/.stamp .venv/sam/.stamp ## How fast it is, beside a FastAPI baseline (under 5 minutes)
	@PYTHONPATH=layers/videoapi $(DEV)/python -m benchmarks $(ARGS)

load: .venv/dev/.stamp .venv/local/.stamp .venv/runtime/.stamp .venv/sam/.stamp ## Submits and status reads (URL=…/v1 KEY=… another server, where each video costs)
	@PYTHONPATH=layers/videoapi $(DEV)/python -m benchmarks.load $(if $(URL),--url $(URL)) $(if $(KEY),--key $(KEY)) $(ARGS)

costs: .venv/dev/.stamp ## AWS calls, what a thousand videos cost, and what gives out first; into docs/costs-and-scale.md
	@PYTHONPATH=layers/videoapi $(DEV)/python -m benchmarks.scale

.venv/tools/.stamp: requirements/tools.txt
	@echo "Setting up uv (first time only, ~10 s) …"
	@python3 -m venv --clear .venv/tools
	@.venv/tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< || { \
		echo "uv could not be installed: pip needs PyPI (https://pypi.org), or a mirror that PIP_INDEX_URL names." >&2; \
		exit 1; }
	@touch $@

# Without Node its client's tests are skipped.
.venv/node/.stamp: NODE = tests/e2e/clients/node
.venv/node/.stamp: tests/e2e/clients/node/package.json tests/e2e/clients/node/package-lock.json
	@if command -v npm >/dev/null; then cd $(NODE) && npm ci --silent; fi
	@mkdir -p $(@D) && touch $@

.venv/bench/.stamp: takes = 5
.venv/browser/.stamp: takes = 10
.venv/checkov/.stamp: takes = 15
.venv/cli/.stamp: takes = 5
.venv/audit/.stamp: takes = 5
.venv/dev/.stamp: takes = 15
.venv/local/.stamp: takes = 10
.venv/runtime/.stamp: takes = 5
.venv/sam/.stamp: takes = 20
$(CLIENTS:%=.venv/%/.stamp): takes = 5
.venv/%/.stamp: requirements/%.txt .venv/tools/.stamp
	@echo "Setting up the $* environment (first time only, ~$(takes) s) …"
	@.venv/$*/bin/python3.13 --version >/dev/null 2>&1 || \
		$(UV) venv --quiet --clear --relocatable --python '$(PYTHON)' .venv/$* 2>.venv/tools/said || { \
		echo "Python 3.13 is neither found here nor could it be downloaded (uv takes it from GitHub):" >&2; \
		tail -n 3 .venv/tools/said >&2; \
		echo "Install Python 3.13, or name one: make $(or $(MAKECMDGOALS),run) UV_PYTHON=/path/to/python3.13" >&2; \
		exit 1; }
	@$(UV) pip sync --quiet --require-hashes --python .venv/$*/bin/python $< || { \
		echo "Packages could not be installed: uv needs PyPI (https://pypi.org), or a mirror that UV_DEFAULT_INDEX names." >&2; \
		exit 1; }
	@touch $@
