# Thin: the work is done by scripts/ and CMake. `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help run build test prove bench format clean

LISTEN ?= 127.0.0.1:8080
DATA ?= data/demo
SPEED ?= 600
ONLY ?=

JOBS := $(shell nproc)
# scripts/bootstrap puts a Node.js there when the system has none that is recent enough.
export PATH := $(CURDIR)/third_party/node/bin:$(PATH)

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
	@echo "  Settings: make run LISTEN=$(LISTEN) DATA=$(DATA) SPEED=$(SPEED) · make bench ONLY=name"

run: build ## install what is missing, build, and serve the flights demo on http://LISTEN
	build/release/bin/lodestar demo --project examples/flights --listen $(LISTEN) --data $(DATA) --speed $(SPEED)

build: ## install what is missing and build build/release/bin/lodestar
	@scripts/bootstrap run
	@cmake --preset release --log-level=WARNING
	@cmake --build build/release --parallel $(JOBS) --target lodestar

test: ## install what is missing, build everything and run all tests
	@scripts/bootstrap test
	@scripts/check-layers
	@cmake --preset release --log-level=WARNING
	@cmake --build build/release --parallel $(JOBS)
	@scripts/run-tests build/release

# Variables, so that a part of it can be made longer still.
CHURN_SECONDS ?= 60
TEARDOWNS ?= 10000
HISTORIES ?= 200000

prove: ## run the cache's tests of bounds and of linearizability for long (minutes)
	@scripts/bootstrap test
	@cmake --preset release --log-level=WARNING
	@cmake --build build/release --parallel $(JOBS) --target cache_test cache_tiny_test
	@for program in cache_test cache_tiny_test; do \
		LODESTAR_CHURN_SECONDS=$(CHURN_SECONDS) LODESTAR_TEARDOWNS=$(TEARDOWNS) LODESTAR_HISTORIES=$(HISTORIES) \
			build/release/bin/$$program --gtest_filter='cache_bounds.*:cache_histories*' || exit 1; \
	done

bench: ## run the benchmarks (ONLY=name: one); each writes build/bench/NAME.json
	@scripts/bootstrap bench
	@scripts/bench $(ONLY)

format: ## format the C++ sources
	@command -v clang-format-19 >/dev/null || { echo "missing: apt-get install clang-format-19" >&2; exit 2; }
	@find lib adapters app bench test fuzz examples -name '*.hpp' -o -name '*.cpp' | xargs -r clang-format-19 -i

clean: ## remove what was built (third_party/ and downloads stay)
	rm -rf build
