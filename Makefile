# The tasks of the repository; `make` lists them.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CARGO ?= cargo

DOMAINS := tenancy booking clinical metrics
CRATES := $(patsubst crates/%/Cargo.toml,%,$(wildcard crates/*/Cargo.toml))
ENSURE_POSTGRES := deploy/scripts/ensure-postgres
ENSURE_REDIS := deploy/scripts/ensure-redis
# What the tests and the measurements start servers of their own from.
SERVERS := HUNTZEN_PG_BIN="$$($(ENSURE_POSTGRES))"; HUNTZEN_REDIS_BIN="$$($(ENSURE_REDIS))"; \
	export HUNTZEN_PG_BIN HUNTZEN_REDIS_BIN
# Without a server of the operator's, the program needs the programs of PostgreSQL.
POSTGRES := if [[ -z "$${DATABASE_URL:-}" ]] && ! grep -qsE '^DATABASE_URL=.' .env; then $(ENSURE_POSTGRES) > /dev/null; fi

COMPOSE := docker compose --file deploy/compose.yaml

.PHONY: help run start dev build test test-full migrate seed check check-deploy lint format cover bench openapi \
	docker-build docker-up docker-down clean clean-data tools

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: tools ## Build, then serve a seeded demo: the one command after a fresh clone
	@$(POSTGRES)
	$(CARGO) build --locked --bin huntzen
	@echo "The data lie in $${HUNTZEN_DATA_DIR:-./data}; 'make clean-data' starts afresh."
	target/debug/huntzen seed
	@exec target/debug/huntzen serve

start: tools ## Build for speed and serve, without demo data
	@$(POSTGRES)
	$(CARGO) build --locked --release --bin huntzen
	@exec target/release/huntzen serve

dev: tools ## Serve, and start again at every change (needs cargo-watch)
	@$(POSTGRES)
	@command -v cargo-watch > /dev/null || { echo "Install it first: cargo install cargo-watch --locked" >&2; exit 1; }
	cargo-watch --watch crates --watch config --watch migrations --exec 'run --bin huntzen -- serve'

build: tools ## Build the program for speed into target/release/huntzen
	$(CARGO) build --locked --release --bin huntzen

test: check check-deploy ## Everything that is checked before a change is taken
	@for crate in $(CRATES); do echo "check huntzen-$$crate alone"; $(CARGO) check --locked --quiet -p "huntzen-$$crate"; done
	@for crate in $(DOMAINS); do echo "check the tests of huntzen-$$crate alone"; \
	$(CARGO) check --locked --quiet --tests -p "huntzen-$$crate"; done
	@$(SERVERS); echo "$(CARGO) test --workspace"; \
	deploy/scripts/with-test-folder $(CARGO) test --locked --workspace

test-full: ## As test, with every round of the races (200 instead of 10), what leaves the machine, beside a real S3 server, and schemathesis
	HUNTZEN_TEST_SCALE=full $(MAKE) test
	$(CARGO) test --locked -p huntzen-app --features otlp,sentry --lib --test http_foundation -- faults exporters
	deploy/scripts/with-s3-server $(CARGO) test --locked -p huntzen-tests --test stores storages -- --ignored
	HUNTZEN_PG_BIN="$$($(ENSURE_POSTGRES))" HUNTZEN_TEST_SCALE=full tests/conformance/schemathesis

migrate: tools ## Bring the database's schema up to date
	@$(POSTGRES)
	$(CARGO) run --locked --bin huntzen -- migrate

seed: tools ## Fill the database with the demo data
	@$(POSTGRES)
	$(CARGO) run --locked --bin huntzen -- seed

check: tools ## Format, clippy, documentation; licences and unused dependencies where the tools are installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked -p huntzen-app --all-targets --features otlp,sentry -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items
	@if command -v cargo-deny > /dev/null; then $(CARGO) deny --locked check; else echo "cargo-deny is not installed: licences and advisories are not checked"; fi
	@if command -v cargo-machete > /dev/null; then $(CARGO) machete; else echo "cargo-machete is not installed: unused dependencies are not looked for"; fi

check-deploy: ## Scripts, the proxy's files and the database's roles
	@HUNTZEN_PG_BIN="$$($(ENSURE_POSTGRES))" deploy/scripts/check

lint: tools ## Clippy alone
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

format: ## Format the code
	$(CARGO) fmt --all

cover: tools ## Test coverage as HTML (needs cargo-llvm-cov)
	@command -v cargo-llvm-cov > /dev/null || { echo "Install it first: cargo install cargo-llvm-cov --locked" >&2; exit 1; }
	@$(SERVERS); \
	$(CARGO) llvm-cov --locked --workspace --html

bench: tools ## Measure the pure parts, then the server
	@$(SERVERS); \
	$(CARGO) build --locked --release --bin huntzen; \
	$(CARGO) bench --locked -p huntzen-tests --bench pure; \
	$(CARGO) bench --locked -p huntzen-tests --bench load

openapi: tools ## Write tests/openapi.json anew
	$(CARGO) build --locked --bin huntzen
	target/debug/huntzen openapi > target/openapi.json
	mv target/openapi.json tests/openapi.json

docker-build: ## Build the production image (deploy/Dockerfile)
	docker build --file deploy/Dockerfile --target program --tag "huntzen-care:$${HUNTZEN_VERSION:-0.1.0}" .

docker-up: ## Start production on this host (deploy/compose.yaml; wants deploy/.env)
	@[[ -f deploy/.env ]] || { echo "Copy deploy/env.example to deploy/.env and fill it in first." >&2; exit 1; }
	$(COMPOSE) up --detach --build
	$(COMPOSE) up --detach --no-deps --wait huntzen-1 huntzen-2 proxy

docker-down: ## Stop it; the data stay
	$(COMPOSE) down

clean: ## Remove what was built
	$(CARGO) clean

clean-data: ## Remove the database, the letters and the files of the data folder
	@deploy/scripts/clean-data

tools:
	@deploy/scripts/ensure-build-tools
