# Everything that is done with this repository, each in one word. `make help` lists them.
#
# `demo` and `test` work in a fresh clone: they look for what the machine must bring (.ci/machine says what is
# missing), make a virtual environment, install pinned requirements into it and build the extension, and do
# each again only when its inputs have changed.

PYTHON ?= python3
VENV ?= .venv
# CPython versions of `make test-all`; each is looked for as python3.N, then among pyenv's.
PYTHONS ?= 3.10 3.11 3.12 3.13
FUZZ_SECONDS ?= 60
LONG_PROPTEST_CASES ?= 10000

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.NOTPARALLEL:

PY := $(VENV)/bin/python
# Python's own checks in every test, and in every server that a test starts: leaks of files, threads, memory.
PYTEST := PYTHONDEVMODE=1 $(PY) -m pytest
PIP_INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
# Most of a run is waiting for servers. Each process starts its own; more than four gain nothing.
IN_PROCESSES := -n auto --maxprocesses=4 --dist=worksteal
EXTENSION := python/notmodified/_core.abi3.so
RUST_SOURCES := Cargo.toml Cargo.lock pyproject.toml $(shell find src -name '*.rs')

# A stamp without its extension is a lie.
ifeq ($(wildcard $(EXTENSION)),)
$(shell rm -f $(VENV)/.built)
endif

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'

.PHONY: demo
demo: $(VENV)/.demo $(VENV)/.built ## a sample site under Gunicorn, and a client that shows what 304s save
	$(VENV)/bin/notmodified demo

.PHONY: demo-serve
demo-serve: $(VENV)/.demo $(VENV)/.built ## the sample site alone, until Ctrl-C, with curl lines to try
	$(VENV)/bin/notmodified demo --serve

.PHONY: test
test: $(VENV)/.dev $(VENV)/.built ## Rust and Python tests, but the long ones
	cargo test --locked
	$(PYTEST) $(IN_PROCESSES) -m "not long"
	$(MAKE) --no-print-directory test-parallel
	$(MAKE) --no-print-directory test-faults

# What many threads may do at once, each test by four of them; without the longest tables of cases.
.PHONY: test-parallel
test-parallel: $(VENV)/.dev $(VENV)/.built ## tests that are run by four threads at once
	$(PYTEST) --parallel-threads=4 --mark-hypothesis-as-unsafe \
		-m "not long" -k "not pair and not random and not (combination and not GET)" \
		tests/parallel tests/entity_tag tests/cache_control tests/evaluate/test_against_model.py

# The same package with an extension that can be made to fail; debug assertions and overflow checks are on.
FAULTY := target/faults/notmodified
.PHONY: test-faults
test-faults: $(VENV)/.dev $(VENV)/.built ## a fault injected at each step of a read, in an extension built for it
	PYO3_PYTHON="$(abspath $(PY))" PYO3_BUILD_EXTENSION_MODULE=1 cargo build --locked --features python,faults
	rm -rf $(FAULTY) && mkdir -p $(FAULTY) && cp -r python/notmodified/. $(FAULTY)
	cp "$${CARGO_TARGET_DIR:-target}/debug/libnotmodified.so" $(FAULTY)/_core.abi3.so
	PYTHONPATH=target/faults $(PYTEST) tests/faults

.PHONY: test-long
test-long: $(VENV)/.dev $(VENV)/.built ## soaks, big inputs, many more property-test cases
	PROPTEST_CASES=$(LONG_PROPTEST_CASES) PROPTEST_MAX_GLOBAL_REJECTS=$(LONG_PROPTEST_CASES) \
		cargo test --locked --profile long
	$(PYTEST) -m long -n 2 --dist=worksteal --ignore=tests/logs/test_prediction.py
	# Alone: its clients come by the clock.
	$(PYTEST) -m long tests/logs/test_prediction.py

.PHONY: test-all
test-all: $(VENV)/.dev ## the Python tests on each CPython of PYTHONS, all with one abi3 wheel
	rm -rf dist/test-all && $(VENV)/bin/maturin build --quiet --release --locked --out dist/test-all
	for version in $(PYTHONS); do .ci/test-with-wheel "$$version" dist/test-all/notmodified-*.whl; done

.PHONY: lint
lint: $(VENV)/.dev $(VENV)/.built ## formatting, clippy, ruff, mypy, stubs against the built module
	cargo fmt --check
	cargo clippy --locked --all-targets --all-features -- -D warnings
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --locked --manifest-path fuzz/Cargo.toml --target-dir "$${CARGO_TARGET_DIR:-target}/fuzz" \
		-- -D warnings
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy --strict python
	# The settings are only to be there: a storage of Django asks for them when it is imported.
	DJANGO_SETTINGS_MODULE=django.conf.global_settings $(PY) -m mypy.stubtest --mypy-config-file pyproject.toml notmodified

.PHONY: finding-pages
finding-pages: $(VENV)/.dev $(VENV)/.built ## write docs/findings/, a page for each kind of finding
	PYTHONPATH=tests $(PY) -m docs.finding_pages

.PHONY: fmt
fmt: $(VENV)/.dev ## format everything
	cargo fmt
	$(VENV)/bin/ruff check --fix-only
	$(VENV)/bin/ruff format

# Debian's own Python, for it is built with profile-guided optimisation and pyenv's are not: pure-Python peers
# would look slow. Where it can't be had the results say so.
BENCH_PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' \
	2>/dev/null && echo /usr/bin/python3 || echo $(PYTHON))
BENCH_VENV ?= .venv-bench
BENCH := target/bench

.PHONY: bench
bench: $(BENCH_VENV)/.dev ## Rust benches, then the comparison with the peers, written to benches/RESULTS.md
	cargo bench --locked --bench '*'
	rm -rf $(BENCH) && mkdir -p $(BENCH)
	PYO3_BUILD_EXTENSION_MODULE=1 cargo build --release --locked --target-dir target/prototype \
		--manifest-path benches/prototype/Cargo.toml
	cp target/prototype/release/libprototype.so $(BENCH)/prototype.abi3.so
	git describe --always --dirty=', changed' --abbrev=12 >$(BENCH)/built-from || echo 'no repository' >$(BENCH)/built-from
	$(BENCH_VENV)/bin/maturin build --quiet --release --locked --out $(BENCH) --interpreter $(BENCH_VENV)/bin/python
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall \
		$(BENCH)/notmodified-*.whl
	PYTHONPATH="$(abspath $(BENCH))" $(BENCH_VENV)/bin/python benches/compare.py --built-from "$$(cat $(BENCH)/built-from)"

.PHONY: bench-logs
bench-logs: $(VENV)/.dev ## access logs of millions of lines, beside goaccess, written to benches/LOGS.md
	rm -f python/notmodified/_core*.so
	VIRTUAL_ENV="$(abspath $(VENV))" $(VENV)/bin/maturin develop --quiet --release --locked
	$(PY) benches/logs.py

.PHONY: bench-assets
bench-assets: $(VENV)/.dev ## versions of 10,000 static files, beside collectstatic, written to benches/ASSETS.md
	rm -f python/notmodified/_core*.so
	VIRTUAL_ENV="$(abspath $(VENV))" $(VENV)/bin/maturin develop --quiet --release --locked
	$(PY) benches/assets.py

REDBOT_VENV ?= .venv-redbot
.PHONY: compare-redbot
compare-redbot: $(VENV)/.dev $(VENV)/.built $(REDBOT_VENV)/.redbot ## REDbot on the gallery of defective stacks, written to docs/check.md
	PYTHONPATH=tests $(PY) benches/compare_redbot.py --redbot $(REDBOT_VENV)/bin/python

$(REDBOT_VENV)/.redbot: requirements/redbot.txt
	$(PYTHON) -m venv $(REDBOT_VENV)
	$(REDBOT_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(BENCH_VENV)/.dev: requirements/dev.txt
	$(BENCH_PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# libFuzzer needs flags that stable Rust hides; RUSTC_BOOTSTRAP shows them, so that one toolchain is enough. No
# sanitizer: what is fuzzed has no unsafe code but mapping memory. What is found new stays in target/; docs/fuzzing.md says how it
# gets into fuzz/corpus.
CARGO_FUZZ := target/tools/bin/cargo-fuzz
CARGO_FUZZ_VERSION := 0.13.2
FUZZ_TARGETS ?= $(patsubst fuzz/targets/%.rs,%,$(wildcard fuzz/targets/*.rs))
FUZZ := RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$(abspath $(or $(CARGO_TARGET_DIR),target))/fuzz" $(CARGO_FUZZ) fuzz
FUZZ_LIMIT ?= -max_total_time=$(FUZZ_SECONDS)
.PHONY: fuzz
fuzz: $(CARGO_FUZZ) ## every parser with random input, FUZZ_SECONDS for each fuzz target
	$(FUZZ) build --sanitizer none
	for target in $(FUZZ_TARGETS); do \
		mkdir -p target/fuzz-corpus/$$target; \
		echo "== $$target"; \
		$(FUZZ) run --sanitizer none $$target target/fuzz-corpus/$$target fuzz/corpus/$$target -- -verbosity=0 \
			-dict=fuzz/dictionaries/http.dict $(FUZZ_LIMIT) -timeout=10 -print_final_stats=1; \
	done

.PHONY: fuzz-short
fuzz-short: ## the kept corpus and the same 30,000 inputs each time, so that only a change in the code can fail
	$(MAKE) --no-print-directory fuzz FUZZ_LIMIT="-runs=30000 -seed=1"

$(CARGO_FUZZ):
	@command -v c++ >/dev/null || { echo "c++ is missing (libFuzzer is written in it): Debian: apt install build-essential" >&2; exit 1; }
	cargo install cargo-fuzz --quiet --locked --version $(CARGO_FUZZ_VERSION) --root target/tools

# Locked for every Python and platform at once; hashes, and no registry's address.
LOCK = .venv-tools/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

.PHONY: requirements
requirements: ## lock requirements/*.in again, to the newest versions that they allow
	test -x .venv-tools/bin/uv || { $(PYTHON) -m venv .venv-tools && .venv-tools/bin/pip install --quiet uv; }
	$(LOCK) --upgrade requirements/dev.in --output-file requirements/dev.txt
	$(LOCK) --constraint requirements/dev.txt requirements/demo.in --output-file requirements/demo.txt
	$(LOCK) --upgrade requirements/uwsgi.in --output-file requirements/uwsgi.txt
	$(LOCK) --upgrade requirements/redbot.in --output-file requirements/redbot.txt

.PHONY: clean
clean: ## remove everything that was built or installed here
	cargo clean
	rm -rf .venv .venv-* dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis python/notmodified/_core*.so
	find python tests benches examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(PY):
	@.ci/machine $(PYTHON)
	$(PYTHON) -m venv $(VENV)

# The demo's requirements are a subset of the developers', in the same versions.
$(VENV)/.demo: requirements/demo.txt | $(PY)
	$(PIP_INSTALL) -r requirements/demo.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(PY)
	$(PIP_INSTALL) -r requirements/dev.txt
	@touch $@ $(VENV)/.demo

# A stale _core*.so in python/ would win on import without a word, so it goes first.
$(VENV)/.built: $(RUST_SOURCES) | $(VENV)/.demo
	rm -f python/notmodified/_core*.so
	VIRTUAL_ENV="$(abspath $(VENV))" $(VENV)/bin/maturin develop --release --locked
	@touch $@
