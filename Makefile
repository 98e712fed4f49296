# make demo: set up a virtual environment and run the example. make check: what needs no server, in a minute.
# make test: the whole suite, servers included.

PYTHON ?= python3
VENV ?= .venv
# The tests wait for databases more than they compute.
PYTEST_ARGS ?= -n 4
# For the benchmarks, for example --quick, --long, or --only postgresql/drain; --help shows them all.
BENCH_ARGS ?=
# A database for the demo other than SQLite, for example postgresql://localhost/shop
URL ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# The tests' processes, of which there are some thousands, import what is compiled already, as an installed package is.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo check check-style check-types check-imports check-sql check-unit test-sqlite test test-brokers test-frameworks
.PHONY: test-tools tools check-model soak bench bench-relays docs mutations servers brokers clean

help:
	@echo 'make demo      set up $(VENV) and run the example on SQLite (URL=... for another database)'
	@echo 'make check     lint, types, import contracts, SQL style and unit tests: needs no server'
	@echo 'make test-sqlite  the suite on SQLite: needs no server'
	@echo 'make test      install what the tests need, database servers included, and run the whole suite'
	@echo 'make test-brokers  install the message brokers and run the tests of the relays against them'
	@echo 'make test-frameworks  run the tests of the frameworks at their oldest and newest versions'
	@echo 'make test-tools  install Prometheus and a browser, and test the metrics and the page with them'
	@echo 'make check-model  verify the model of the protocol with Spin, and see it refuted without each of its rules'
	@echo 'make soak      run random histories and random kills for a long time (SECONDS=300), and move LETTERS=1000000'
	@echo 'make bench     measure the library beside yardsticks and other libraries (BENCH_ARGS=--help)'
	@echo 'make bench-relays  measure the relays beside bare loops of the same clients'
	@echo 'make docs      build the site into build/docs'
	@echo 'make mutations  break every promise of the documentation that has a mutation, and see its tests fail'
	@echo 'make servers   install the database servers only'
	@echo 'make clean     remove $(VENV) and what builds and tools left behind'

demo: $(VENV)/.ready-$(if $(URL),for-any-database,for-sqlite)
	$(BIN)/python examples/quickstart.py $(if $(URL),--url '$(URL)')

# Beside each other, each one's output in one piece; all of them run, whatever one of them finds.
check: $(VENV)/.ready-for-checks
	$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync=target \
	    check-types check-sql check-unit check-style check-imports

check-style:
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/codespell

check-types:
	$(BIN)/python -m mypy

check-imports:
	$(BIN)/lint-imports

check-sql:
	$(BIN)/python -m sqlfluff lint --nocolor sql

check-unit:
	$(BIN)/python -m pytest -q tests/unit tests/structure/test_sizes.py tests/structure/test_words.py \
	    tests/structure/test_databases.py

# The linters have had their turn in `make check`.
test-sqlite: $(VENV)/.ready-for-checks
	OUTBOX_TEST_BACKENDS=sqlite $(BIN)/python -m pytest $(PYTEST_ARGS) -m 'not broker and not framework and not tools' \
	    --ignore=tests/structure/test_linters.py --ignore=tests/structure/test_sql_style.py

test: servers $(VENV)/.ready-for-tests
	$(BIN)/python -m pytest $(PYTEST_ARGS) -m 'not broker and not framework and not tools'

# Not side by side: every process would start brokers of its own.
test-brokers: servers brokers $(VENV)/.ready-for-tests
	$(BIN)/python -m pytest tests/contrib -m broker

# The frameworks at their oldest and newest versions, each in an environment of its own beside this one.
test-frameworks: servers $(VENV)/.ready-for-tests
	$(BIN)/python -m pytest $(PYTEST_ARGS) tests/contrib -m framework

# Prometheus reads the metrics and judges the rules, Chromium goes through the page; on SQLite alone.
test-tools: tools $(VENV)/.ready-for-checks
	OUTBOX_TEST_BACKENDS=sqlite $(BIN)/python -m pytest tests/contrib tests/acceptance/deploy -m tools

# Minutes of all states that two processes and two messages can be in; not part of the suite.
check-model:
	@command -v spin >/dev/null && command -v cc >/dev/null || scripts/apt-install spin gcc libc6-dev
	$(PYTHON) -m tests.model.check

# Outside the ordinary suite: minutes of kills, thousands of histories, a million dead letters.
SECONDS ?= 300
LETTERS ?= 1000000
soak: servers $(VENV)/.ready-for-tests
	OUTBOX_SOAK_SECONDS=$(SECONDS) OUTBOX_MODEL_EXAMPLES=$(SECONDS) $(BIN)/python -m pytest tests/acceptance/end_to_end $(PYTEST_ARGS) -o faulthandler_timeout=0
	OUTBOX_UPGRADE_MESSAGES=$(LETTERS) $(BIN)/python -m pytest tests/acceptance/schema/test_upgrade.py -k full_of_messages -s -o faulthandler_timeout=0
	OUTBOX_LETTERS=$(LETTERS) $(BIN)/python -m pytest tests/acceptance/dead_letters/test_memory.py -s -o faulthandler_timeout=0

# Minutes; with BENCH_ARGS=--long much longer. Leave the machine alone meanwhile.
bench: servers $(VENV)/.ready-for-bench
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

# The relays beside bare loops of the same clients.
bench-relays: brokers $(VENV)/.ready-for-tests
	$(BIN)/python -m benchmarks.relays

# Minutes; on SQLite. docs/promises.toml has the promises, their tests and the changed lines.
mutations: $(VENV)/.ready-for-checks
	$(BIN)/python -m tests.docs.mutations $(WORD)

# A warning is an error; tests/docs/test_site.py builds with the same options.
docs: $(VENV)/.ready-for-docs
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs

servers: $(VENV)/.created
	$(BIN)/python -m tests.servers.install

# RabbitMQ and Redis from the distribution, Kafka by Maven; NATS comes with the Python packages of the tests.
brokers: $(VENV)/.created
	$(BIN)/python -m tests.servers.brokers.install

tools: $(VENV)/.created
	$(BIN)/python -m tests.servers.tools

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# Debian splits venv off from python3.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or later is needed, this is " + sys.version if sys.version_info < (3, 10) else 0)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    scripts/apt-install "$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.ready-for-sqlite: $(VENV)/.created setup.cfg pyproject.toml
	$(PIP) install --editable .
	@touch $@

$(VENV)/.ready-for-any-database: $(VENV)/.created setup.cfg pyproject.toml
	$(PIP) install --editable '.[postgres,mysql]'
	@touch $@

$(VENV)/.ready-for-bench: $(VENV)/.created setup.cfg pyproject.toml
	$(PIP) install --editable '.[bench]'
	@touch $@

$(VENV)/.ready-for-docs: $(VENV)/.created setup.cfg pyproject.toml
	$(PIP) install --editable '.[check]'
	@touch $@

$(VENV)/.ready-for-checks: $(VENV)/.created setup.cfg pyproject.toml
	$(PIP) install --editable '.[check]'
	@touch $@

# After "servers", which also brings the compiler and headers that mysqlclient is built with.
$(VENV)/.ready-for-tests: $(VENV)/.created setup.cfg pyproject.toml | servers
	$(PIP) install --editable '.[test]'
	@touch $@
