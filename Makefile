# `make demo` and `make test` are all the set-up there is: both make .venv first if it is not there.
PYTHON ?= python3
# Options for the one `pip install torch`, such as --index-url or --find-links with CPU builds.
TORCH_FLAGS ?=
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo up test test-fast properties coverage cluster-test check chaos specialist bench-engine bench-scale bench-delivery docs format clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "manyhands needs Python 3.11 or newer"'
	$(PYTHON) -m venv .venv
	@# torch first: where a CPU build is at hand (TORCH_FLAGS, or pip's own settings) nothing later replaces it.
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(TORCH_FLAGS) torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[api,mcp,worker,llamacpp,local,ray,parquet,otel,dev]'
	@touch $@

demo: $(STAMP)
	$(BIN)/manyhands demo

up: $(STAMP)
	$(BIN)/manyhands up

# Unit tests compute, in a process for each core. The others run in so many processes at a time, each with a Redis of
# its own: one more than two cores, because these tests wait as well. Engines compute with one thread each, because more
# threads than cores hold one another up.
PROCESSES ?= 3
UNIT := -n logical --dist worksteal -p tests.without
SHARED := -n $(PROCESSES) --dist loadfile --no-loadscope-reorder
ONE_THREAD := OMP_NUM_THREADS=1 MANYHANDS_THREADS=1
# Tests start a hundred processes, which compile our code once for all of them, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

# The tests that take longest come first (tests/support/sharing.py), so that no process waits long for another at the end.
test: $(STAMP)
	$(BIN)/manyhands weights all-minilm-l6-v2 smollm2-135m
	$(BIN)/python -m pytest -q $(UNIT) tests/unit
	$(ONE_THREAD) $(BIN)/python -m pytest -q $(SHARED) tests/acceptance tests/integration tests/contracts

# For the inner loop: what needs no Redis, no model and no process, except what computes for long.
test-fast: $(STAMP)
	$(BIN)/python -m pytest -q $(UNIT) -m 'not slow' tests/unit
	$(BIN)/python -m pytest -q -p tests.without -k memory tests/contracts/ledger tests/contracts/test_queue.py

# Any bytes as data, any value as a line, any JSON Schema as a folder, any text as a prompt: 4,000 cases of each of five
# properties. The same SEED makes the same cases.
SEED ?= 0
PROPERTIES := test_any_schema test_examples_files test_text_form
properties: $(STAMP)
	$(BIN)/python -m pytest -q -n $(PROCESSES) -p tests.without --timeout 3600 --hypothesis-profile=many \
		--hypothesis-seed=$(SEED) $(PROPERTIES:%=tests/unit/specialists/%.py)

# As `make test`, and which lines ran in any process. It takes longer.
coverage: $(STAMP)
	$(BIN)/manyhands weights all-minilm-l6-v2 smollm2-135m
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q $(UNIT) tests/unit
	$(ONE_THREAD) $(BIN)/coverage run -m pytest -q $(SHARED) tests/acceptance tests/integration tests/contracts
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# Needs a Docker engine with its compose plugin; builds the images, and removes all that it started.
cluster-test: $(STAMP)
	$(BIN)/python -m pytest -q tests/cluster

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# One specialist from data to all that ships of it: adapter, card, facts, confidence.
specialist: $(STAMP)
	$(BIN)/manyhands train $(NAME) --data $(DATA)/$(NAME)/train.jsonl.gz --dev $(DATA)/$(NAME)/dev.jsonl.gz
	$(BIN)/manyhands eval $(NAME) --data $(DATA)/$(NAME)/dev.jsonl.gz --baseline $(DATA)/$(NAME)/train.jsonl.gz \
		--calibrate --card

# A folder with <specialist>/dev.jsonl.gz, for figures of more than the specialists' few own examples.
DATA ?=
bench-engine: $(STAMP)
	$(BIN)/python -m benchmarks.engine $(if $(DATA),--data $(DATA)) --plots --out docs/pictures/engine.json

bench-scale: $(STAMP)
	$(BIN)/python -m benchmarks.scale --plots --out docs/pictures

bench-delivery: $(STAMP)
	$(BIN)/python -m benchmarks.delivery --plots --out docs/pictures/delivery.json

# Two parts kill processes, one of them with a model; the third cuts a link, and needs root.
JOBS ?= 20000
chaos: $(STAMP)
	$(BIN)/manyhands weights smollm2-135m
	$(BIN)/python -m benchmarks.chaos --jobs $(JOBS)

# The pages of docs/ as a site, with a reference that is made from the code; open site/index.html.
$(BIN)/mkdocs: $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	@touch $@

docs: $(BIN)/mkdocs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv site
