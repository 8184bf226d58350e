# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt
KAFKA_PORT ?= 9092
DATA ?= ../shared/data

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all lint doctor kafka kafka-stop bench model chaos chaos-short constraints clean

help:
	@echo "make demo     the recorded week with a storm, on an embedded broker"
	@echo "make test     unit, behaviour and integration tests; needs only Python and the package index"
	@echo "make test-all the same on Apache Kafka and with both model backends"
	@echo "make lint     ruff, mypy, import rules"
	@echo "make doctor   what is missing on this machine"
	@echo "also: setup kafka kafka-stop chaos chaos-short bench model clean"

setup: $(VENV)/.demo

demo: $(VENV)/.demo
	@$(BIN)/stormwacht demo --exit

test: $(VENV)/.test
	$(BIN)/pytest tests -m "not kafka and not torch and not extras" --ignore tests/chaos

test-all: $(VENV)/.test $(VENV)/.model
	@sh deploy/doctor.sh all
	@bootstrap=$$($(BIN)/python deploy/kafka/node.py start --port 0 --dir deploy/kafka/data/test) && \
	{ $(BIN)/pytest tests --kafka=$$bootstrap --kafka-dir=deploy/kafka/data/test --ignore tests/chaos; status=$$?; \
	  $(BIN)/python deploy/kafka/node.py stop --dir deploy/kafka/data/test; exit $$status; }

chaos chaos-short: $(VENV)/.test
	@sh deploy/doctor.sh kafka
	$(BIN)/pytest tests/chaos

lint: $(VENV)/.test $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

doctor:
	@sh deploy/doctor.sh all

kafka: $(VENV)/.demo
	@sh deploy/doctor.sh kafka
	@$(BIN)/python deploy/kafka/node.py start --port $(KAFKA_PORT)

kafka-stop:
	@$(BIN)/python deploy/kafka/node.py stop

bench: $(VENV)/.torch $(VENV)/.test
	$(BIN)/python -m bench.path
	$(BIN)/python -m bench.scoring

model: $(VENV)/.model
	$(BIN)/python -m models.train --shared $(DATA)

# A stamp per extra: done again only when what it depends on has changed.
$(BIN)/python:
	@sh deploy/doctor.sh python
	$(PYTHON) -m venv $(VENV)

$(VENV)/.%: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing the extra '$*' into $(VENV) ..."
	@$(PIP) -e ".[$*]"
	@touch $@

# What the newest versions within pyproject's ranges are today, tested together.
constraints: | $(BIN)/python
	$(BIN)/pip install --quiet --upgrade -e ".[test,lint,torch,model]"
	$(BIN)/pip freeze --exclude-editable | grep -v '@' > constraints.txt

clean:
	rm -rf $(VENV) build dist *.egg-info
