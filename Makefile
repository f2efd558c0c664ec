# Needs make, git and Python 3.11 or later with its venv module; everything else comes from here.
# make demo    the whole system on this machine          make test   every check and test
# make check   the quick ones                            make help   the rest

UV_VERSION := 0.13.9
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { command -v "$$p"; break; }; done)
BIN := .venv/bin
RUN := $(BIN)/python -m config.demo

# No interpreter is downloaded: the one found above serves.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
# The certificates of the system: many an office stands behind a proxy with its own.
export UV_SYSTEM_CERTS := true
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup setup-dev demo demo-reset demo-broker-stop demo-broker-start assurance
.PHONY: assurance-report holes screens bench test check faults soak fuzz recovery trail isolation fix migrate messages migrations clean

help:
	@echo "make demo               start everything and print its address; Ctrl-C stops it"
	@echo "make demo-reset         throw away the demonstration's data and start over"
	@echo "make demo-broker-stop   stop its broker (calls are still routed); demo-broker-start"
	@echo "make test               every check, every test, browser tests too"
	@echo "make bench              measure against limits built in; ONLY=create,list QUICK=1 WRITE=file"
	@echo "make check              quick: lint, types, contracts, migrations, fast tests"
	@echo "make fuzz               ask every operation of the API at length; FUZZ_EXAMPLES, FUZZ_SEED"
	@echo "make faults             real processes are killed, and what was promised is counted (20 minutes);"
	@echo "                        make faults ONLY=F3,F5 CALLS=200 SEED=1"
	@echo "make trail              the tests whose writes are looked at, alone: is there a row of the trail beside each?"
	@echo "make isolation          the isolation matrix at length: everybody asks every route by every method;"
	@echo "                        WRITE=1 writes tests/isolation/cells.txt anew: who gets in where"
	@echo "make soak               half an hour of a real mix with faults, written into docs/soak.md;"
	@echo "                        make soak SOAK_MINUTES=5 SEED=1"
	@echo "make recovery           databases are lost, restored, replaced under load, and counted;"
	@echo "                        make recovery ONLY=R1,R8 CALLS=300 SEED=1 WRITE=docs/recovery.md"
	@echo "make assurance          every test that shows a promise, and docs/assurance.md; ONLY=T1,E3"
	@echo "make holes              holes made on purpose in a copy; each must be found by a named check"
	@echo "make assurance-report   docs/assurance.md anew from all runs that lie here; both keep these"
	@echo "make fix                format, and repair what can be repaired"
	@echo "make migrations         write missing migrations; make migrate runs them (DATABASE_OWNER_URL)"
	@echo "make messages           collect new messages into locale/ and compile the catalogues"
	@echo "make screens            a picture of every page in both languages into .demo/screens, or SCREENS"
	@echo "make setup              only the virtual environment; make clean removes what was made"

setup: .venv/.ready

setup-dev: .venv/.ready-dev

.venv/bin/uv:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Huying needs Python 3.11 or later with venv, and found none on PATH."; \
		echo "Debian, Ubuntu: apt install python3 python3-venv. Or: make PYTHON=/path/to/python3.11"; \
		exit 1; \
	fi
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet "uv==$(UV_VERSION)"

# uv asks the package index that the lock file names; where only a mirror configured for pip can be
# reached, pip installs the same locked versions.
define sync
	@echo "Installing the locked packages …"
	@$(BIN)/uv sync --quiet --frozen --inexact --extra binary --extra demo $(1) || { \
		echo "uv could not; trying pip with its own configuration …"; \
		$(BIN)/uv export --quiet --frozen --no-emit-project --extra binary --extra demo $(1) \
			--output-file .venv/requirements.txt \
		&& $(BIN)/python -m pip install --quiet --requirement .venv/requirements.txt; }
endef

.venv/.ready: uv.lock | .venv/bin/uv
	$(call sync,--no-dev)
	@touch $@

.venv/.ready-dev: uv.lock | .venv/bin/uv
	$(call sync,)
	@touch .venv/.ready $@

demo: setup
	@$(RUN) up

demo-reset: setup
	@$(RUN) reset && $(RUN) up

demo-broker-stop demo-broker-start: setup
	@$(RUN) broker $(@:demo-broker-%=%)

screens: setup-dev
	@$(RUN) screens $(SCREENS)

test: setup-dev
	@$(RUN) checks

check: setup-dev
	@$(RUN) checks --fast

# The seed is printed and gives the same run again: make fuzz FUZZ_SEED=…
FUZZ_EXAMPLES ?= 200
FUZZ_COVERED ?= 100
FUZZ_LIVES ?= 100
FUZZ_SEED ?= $(shell date +%s)
fuzz: setup-dev
	@echo "seed $(FUZZ_SEED), $(FUZZ_EXAMPLES) examples of each operation and client"
	@HUYING_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) HUYING_FUZZ_COVERED=$(FUZZ_COVERED) \
		HUYING_FUZZ_LIVES=$(FUZZ_LIVES) HUYING_FUZZ_SEED=$(FUZZ_SEED) \
		HUYING_ASSURANCE=fuzz HUYING_ASSURANCE_LONG=1 \
		HUYING_ASSURANCE_COMMAND="make fuzz FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) FUZZ_SEED=$(FUZZ_SEED)" \
		$(BIN)/pytest -q -n2 tests/fuzz

bench: setup-dev
	@$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick) \
		$(if $(WRITE),--write $(WRITE))

fix: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migrations: setup-dev
	$(RUN) testbed -- $(BIN)/python manage.py makemigrations

migrate: setup
	$(BIN)/python manage.py migrate

messages: setup-dev
	$(BIN)/python manage.py collect_messages
	$(BIN)/python manage.py compile_catalogues

faults: setup-dev
	@$(BIN)/python -m bench.faults $(if $(ONLY),--only $(ONLY)) $(if $(CALLS),--calls $(CALLS)) \
		$(if $(SEED),--seed $(SEED))

SOAK_MINUTES ?= 30
trail: setup-dev
	@HUYING_TRAIL=1 $(BIN)/pytest -q -n2 --dist=worksteal -m "not browser and not processes"

isolation: setup-dev
ifdef WRITE
	@rm -rf .test/cells && mkdir -p .test/cells
	@HUYING_ISOLATION_WRITE=$(CURDIR)/.test/cells $(BIN)/pytest -q -n2 tests/isolation -k "right_ones or right_posts"
	@git diff --stat tests/isolation/cells.txt
else
	@HUYING_ISOLATION=full $(BIN)/pytest -q -n2 tests/isolation
endif

soak: setup-dev
	@$(BIN)/python -m bench.soak --minutes $(SOAK_MINUTES) $(if $(SEED),--seed $(SEED)) \
		$(if $(BESIDE),--beside "$(BESIDE)") --write $(or $(WRITE),docs/soak.md)

recovery: setup-dev
	@$(BIN)/python -m bench.recovery $(if $(ONLY),--only $(ONLY)) $(if $(CALLS),--calls $(CALLS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(WRITE),--write $(WRITE))

assurance: setup-dev
	@$(BIN)/python -m bench.assurance run $(if $(ONLY),--only $(ONLY))

# Holes made on purpose, each in a copy of the checkout: the check that must find it is named.
holes: setup-dev
	@$(BIN)/python -m bench.assurance.holes $(if $(ONLY),--only $(ONLY))

assurance-report: setup-dev
	@$(BIN)/python -m bench.assurance report

clean:
	rm -rf .test .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -path ./.venv -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
