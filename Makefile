# One entry for people and for continuous integration. `make` alone explains.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test unit test-build e2e e2e-all check bench soak fuzz build release packages

CARGO_DENY := 0.20.2

# Arguments of `strongroom up` for `make run`, for example ARGS="--listen 127.0.0.1:4600 --ephemeral".
ARGS ?=
# How often and how long `make soak` kills and restarts, and how long it fuzzes each target.
CRASH_ROUNDS ?= 1000
KEY_STORE_CRASH_ROUNDS ?= 200
SOAK_MINUTES ?= 10
FUZZ_SECONDS ?= 60

# The end-to-end tests' Python environments: their own, one with the previous boto3, and one with scanners of posture. A stamp
# is newer than the list of packages that its environment was made from.
VENV := .venv/e2e
VENV_READY := $(VENV)/ready
VENV_PREVIOUS_READY := .venv/e2e-previous/ready
VENV_SCANNERS_READY := .venv/scanners/ready

help:
	@echo 'Strongroom: AWS KMS and CloudHSM on your own machines.'
	@echo
	@echo '  make run       build, start a server for development on 127.0.0.1:4566, and bring up in it an HSM'
	@echo '                 cluster, a key store and a key (ARGS="--ephemeral" forgets everything at exit;'
	@echo '                 RELEASE=1 builds optimised)'
	@echo '  make test      what must be green before a change is proposed: unit and integration tests, then'
	@echo '                 the quick end-to-end tests with the stock AWS CLI and SDKs'
	@echo '  make check     the rules of the house: format, lints, layers, licences, generated code, links'
	@echo
	@echo '  make e2e-all   every end-to-end test, slow ones too'
	@echo '  make bench     the benchmarks behind docs/numbers.md'
	@echo '  make soak      kill and restart under load (CRASH_ROUNDS=1000, then SOAK_MINUTES=10), then fuzz'
	@echo '                 (FUZZ_SECONDS=60 a target)'
	@echo '  make fuzz      the fuzz targets alone'
	@echo
	@echo '  make unit      unit and integration tests alone'
	@echo '  make e2e       the quick end-to-end tests alone'
	@echo '  make release   the optimised programs, in target/release'
	@echo '  make packages  install missing Debian packages (make test does it by itself)'
	@echo
	@echo 'CONTRIBUTING.md says how we build, docs/ how to use it.'

# A development build by default: it compiles in a fraction of an optimised build's time, is the one that the
# tests use, and has AWS-LC and SQLite optimised all the same.
run:
ifdef RELEASE
	@$(MAKE) --no-print-directory release
	@exec target/release/strongroom up $(ARGS)
else
	@$(MAKE) --no-print-directory build
	@exec target/debug/strongroom up $(ARGS)
endif

# The server, the HSM that it starts, and the tool for what is in one.
PROGRAMS := --package strongroom --package strongroom-hsmd --package strongroom-cloudhsm-cli

build:
	cargo build --locked $(PROGRAMS)

release:
	cargo build --locked --release $(PROGRAMS)

packages:
	@scripts/system-packages.sh

test: unit e2e

# All of them, whichever fails: one run tells everything that is wrong.
unit: packages
	cargo test --locked --workspace --no-fail-fast

# The program as the unit tests built it: the same compile, no second one with other features.
test-build:
	cargo test --locked --workspace --no-run --quiet

e2e: packages test-build $(VENV_READY) $(VENV_PREVIOUS_READY)
	$(VENV)/bin/python -m pytest e2e -m 'not slow and not soak'

e2e-all: packages test-build $(VENV_READY) $(VENV_PREVIOUS_READY) $(VENV_SCANNERS_READY)
	$(VENV)/bin/python -m pytest e2e -m 'not soak'

check: packages target/tools/bin/cargo-deny $(VENV_READY)
	cargo xtask check
	$(VENV)/bin/ruff check --quiet e2e
	$(VENV)/bin/ruff format --quiet --check e2e
	cargo fmt --check --manifest-path e2e/rust/Cargo.toml

# The HSMs that `hsm_cluster` and `key_store` measure are those of the release.
bench: release
	cargo bench --locked --package strongroom --bench front_door
	cargo bench --locked --package strongroom --bench hsm_cluster
	cargo bench --locked --package strongroom --bench key_store
	cargo bench --locked --package strongroom --bench evidence
	cargo bench --locked --package strongroom --bench key_specs
	cargo bench --locked --package strongroom-hsm-core --bench types
	cargo bench --locked --package strongroom-journal --bench append
	cargo bench --locked --package strongroom-policy --bench decision
	cargo bench --locked --package strongroom --features bulk-load --bench many_keys

# `crash::` is the crash tests of the server, of HSM clusters, and of key stores that connect.
soak: release $(VENV_READY)
	STRONGROOM_CRASH_ROUNDS=$(CRASH_ROUNDS) STRONGROOM_KEY_STORE_CRASH_ROUNDS=$(KEY_STORE_CRASH_ROUNDS) \
		cargo test --locked --release --package strongroom --test it crash::
	SOAK_MINUTES=$(SOAK_MINUTES) STRONGROOM=target/release/strongroom $(VENV)/bin/python -m pytest e2e -m soak
	@$(MAKE) --no-print-directory fuzz

fuzz:
	@scripts/system-packages.sh fuzz
	cargo xtask fuzz --seconds $(FUZZ_SECONDS)

$(VENV_READY): e2e/requirements.txt
$(VENV_PREVIOUS_READY): e2e/requirements-previous.txt
$(VENV_SCANNERS_READY): e2e/requirements-scanners.txt
$(VENV_READY) $(VENV_PREVIOUS_READY) $(VENV_SCANNERS_READY):
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	touch $@

target/tools/bin/cargo-deny:
	cargo install --quiet --locked cargo-deny --version $(CARGO_DENY) --root target/tools
