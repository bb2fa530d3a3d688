# Two commands on a fresh machine: `make run`, `make test`. `make help` lists the rest.
SHELL := /bin/sh
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help run test setup setup-train check soak bench web-dev lock

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: ## install (no torch), build the page, start every part on one machine
	@scripts/setup base web
	@exec $(BIN)/triage up

test: ## install everything, then all tests at small counts
	@scripts/setup base web dev train peers
	@$(BIN)/python -m pytest $(PYTEST_ARGS)
	@cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm test --silent

setup: ## install only what `make run` needs
	@scripts/setup base web

setup-train: ## install what training needs (torch for CPU)
	@scripts/setup base train

check: ## lint, types, imports, web lint and types
	@scripts/setup base web dev train
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent check

soak: ## the full counts of the "done when" lines, resumable; rows in benchmarks/results/
	@scripts/setup base web dev peers
	@$(BIN)/python -m benchmarks.soak

bench: ## side-by-side benchmarks
	@scripts/setup base web dev peers
	@$(BIN)/triage bench all

web-dev: ## the page with live reload, against a running `triage up`
	@scripts/setup base web
	@cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm run dev

lock: ## write requirements/*.txt anew from pyproject.toml
	@scripts/lock
