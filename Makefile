# Two commands do everything on a fresh machine with Python 3.11 and pip: `make demo` and `make test`.
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export VENV

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench proto lock build clean

help: ## What there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(READY) ## Make the virtual environment, everything pinned
$(READY): requirements/build.txt requirements/dev.txt pyproject.toml scripts/setup.sh
	sh scripts/setup.sh
	@touch $@

demo: $(READY) ## Run the engine on real photographs, over real gRPC, and show every passage
	$(BIN)/gate demo

test: $(READY) ## Run the tests
	$(BIN)/python -m pytest

check: $(READY) ## What CI checks besides the tests: style, types, layers, wire
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	sh scripts/proto.sh --check
	PATH="$(abspath $(BIN)):$$PATH" buf lint

bench: $(READY) ## Measure everything in its quick form, hold it against the bars (about three minutes)
	$(BIN)/gate bench all --quick --json out/bench.json --html out/bench.html
	$(BIN)/gate bench check out/bench.json

proto: $(READY) ## Generate gate/service/pb from proto/
	sh scripts/proto.sh

lock: $(READY) ## Pin every dependency anew (needs uv)
	printf 'setuptools>=77\nwheel\n' | uv pip compile - -q --no-emit-index-url --no-header --no-annotate --generate-hashes --python-version 3.11 --universal -o requirements/build.txt
	uv pip compile pyproject.toml --extra dev -q --no-emit-index-url --no-header --generate-hashes --python-version 3.11 --universal -o requirements/dev.txt
	uv pip compile pyproject.toml -q --no-emit-index-url --no-header --generate-hashes --python-version 3.11 --universal -o requirements/run.txt

build: $(READY) ## Build the wheel
	$(BIN)/python -m hatchling build

clean: ## Remove what was made, the virtual environment too
	rm -rf $(VENV) build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis
