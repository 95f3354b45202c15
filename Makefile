# Everything here may be run by anybody, in any order; each target first installs what it lacks (contrib/install).

PYTEST_ARGS ?=
PARSERS ?=
VALUES ?= 20000
SEED ?= 1
PROCESSES ?= 4
PROFILE ?=
BENCH ?=
SCALE ?=

.DEFAULT_GOAL := help
.PHONY: help demo test docs package fresh image lint check bench scale profile dialects clients recipes other-tools engines web pictures soak clean
.NOTPARALLEL:

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a tour of EnvFS on a mount of its own
	@contrib/install run
	@contrib/demo

test: ## the tests, twelve minutes on two cores, without the soak; PYTEST_ARGS='-k mount' picks some, PROCESSES=0 runs them in one process
	@contrib/install test
	@PYTHONDONTWRITEBYTECODE= .venv/bin/pytest --numprocesses $(PROCESSES) --dist worksteal $(PYTEST_ARGS)

docs: ## the site of docs/ in build/docs/, without a warning; links and anchors are checked
	@contrib/install docs
	@contrib/site

package: ## a wheel, an sdist and a Debian package in dist/
	@contrib/package

fresh: ## as root: install, run and remove EnvFS on fresh Debian 12 and 13 systems with their systemd; a quarter of an hour, and with FRESH_TESTS=all an hour, for the tests there
	@contrib/fresh

image: ## as root: build the container image without a registry, and use it; ten minutes
	@contrib/container/try

lint: ## style, format, types and the arrows between layers
	@contrib/install test
	@contrib/check

check: lint test docs ## lint, test and docs: what CI runs

bench: ## measure speed, print the numbers, and name what got slower; BENCH=--write makes docs/benchmarks.md
	@contrib/install run
	@.venv/bin/python contrib/bench/run.py $(BENCH)

scale: ## what shared vaults cost with 10, 1,000 and 100,000 machines: measured with real servers, simulated above; SCALE=--write makes docs/scale.md
	@contrib/install test
	@.venv/bin/python contrib/scale/run.py $(SCALE)

profile: ## show what a read costs in processor time, and in which layers; PROFILE='--against FOLDER' compares
	@contrib/install run
	@.venv/bin/python contrib/bench/open_cost.py $(PROFILE)

dialects: ## have 45 parsers read what EnvFS writes; PARSERS=bash,vite VALUES=2000 SEED=2 narrow it
	@contrib/install dialects
	@.venv/bin/python -m tests.dialects.run --parsers "$(PARSERS)" --values "$(VALUES)" --seed "$(SEED)"
	@.venv/bin/pytest -q tests/dialects/test_models.py tests/dialects/test_orders.py

clients: ## have curl, git, pip, npm, boto3, Java, Go and others send requests through the proxy; PYTEST_ARGS='-k git' picks some
	@contrib/install clients
	@.venv/bin/pytest -q -m soak tests/clients $(PYTEST_ARGS)

recipes: ## run the recipes of docs/recipes in Django, Next, docker compose, podman, supervisors and others; PYTEST_ARGS='-k django' picks some
	@contrib/install recipes
	@.venv/bin/pytest -q -m "soak or not soak" tests/recipes $(PYTEST_ARGS)

other-tools: ## import from sops, dotenvx, varlock, doppler, OpenBao, bw, pass and direnv, and try what docs/comparison.md says of them; PYTEST_ARGS='-k sops' picks some
	@contrib/install other-tools
	@.venv/bin/pytest -q -m "soak or not soak" tests/other_tools tests/documents/test_pages.py -k "other_tools or coming-from" $(PYTEST_ARGS)

web: ## try the page of `envfs web` in Chromium, with axe-core; PYTEST_ARGS='-k keyboard' picks some
	@contrib/install web
	@.venv/bin/pytest -q -m soak tests/web $(PYTEST_ARGS)

pictures: ## as root: make the pictures of terminals and of the page in docs/pictures again, from real runs
	@contrib/install docs
	@contrib/pictures
	@contrib/install web
	@unshare --pid --fork --mount --mount-proc .venv/bin/python -m tests.web.pictures

engines: ## try the engines of shared vaults on real servers (PostgreSQL, etcd, PgBouncer, ssh), with faults; PYTEST_ARGS='-k etcd' picks some
	@contrib/install test
	@.venv/bin/pytest -q -m "soak or not soak" tests/engines $(PYTEST_ARGS)

soak: ## look for leaks and drift, try the tables of cases whole, the laws with more examples, and `exec` and `get` by Python; PYTEST_ARGS='-k locale' picks some
	@contrib/install other-tools
	@ENVFS_EXAMPLES=40 .venv/bin/pytest -m "soak or law" $(PYTEST_ARGS)
	@cd tests/system && ENVFS_CLIENT=python ../../.venv/bin/pytest test_access_matrix.py test_asking.py test_crash.py test_exec*.py test_standard_streams.py ../transcripts $(PYTEST_ARGS)

clean: ## remove all that the other targets made
	rm -rf .venv .dialects .clients .recipes .other-tools .web .docs build dist .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
