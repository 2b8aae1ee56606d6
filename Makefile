# SPDX-License-Identifier: Apache-2.0
#
# `make help` lists the targets. Variables: SIM=verilator|icarus, WAVES=1, SEED=<number>, KEYLOG=1,
# ICARUS=all, NUM_TDI=<functions of the device in system tests and attacks>.

SHELL := /bin/sh
.SUFFIXES:
.DEFAULT_GOAL := help

PYTHON ?= python3
SIM ?= verilator
SEED ?= 1
JOBS ?= 2
CAPTURE ?= sim_build/demo/link.pcap
DUT ?= rtl
PORT ?= 2323
CYCLES ?= 100
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

export SIM SEED WAVES KEYLOG ICARUS NUM_TDI

.PHONY: help setup setup-icarus demo test test-all test-sizes lint headers headers-check waves format transitions bench requirements coverage \
  decode serve client soak fuzz clean check-host

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' Makefile | sort

check-host:
	@PYTHON="$(PYTHON)" SIM="$(SIM)" sh tools/check_host.sh

$(STAMP): requirements.lock | check-host
	@echo "Installing the tools into $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "make: cannot create $(VENV): install the venv module (Debian: apt-get install python3-venv)"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	@touch $@

setup: check-host $(STAMP) ## make .venv with the pinned tools

setup-icarus: ## install Icarus Verilog, or say how
	@sh tools/setup_icarus.sh

demo: setup ## attach a TDI, use it, attack it, detach it; writes sim_build/demo/report.html
	@$(BIN)/python -m tools.demo

test: setup ## run the tests
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -q -m "not nightly"

test-all: setup ## run the tests, all mutants, and all variants on Icarus too: a night's work
	@ICARUS=all $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -q

# They choose their sizes themselves.
OWN_SIZE := test_sizes.py test_server*.py test_demo.py

test-sizes: setup ## run the system tests with 1 and with 256 functions, on Verilator
	@for size in 1 256; do \
	  NUM_TDI=$$size $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -q tests/system -k "not icarus" \
	    $(OWN_SIZE:%=--ignore-glob='tests/system/%') || exit 1; \
	done

lint: setup headers-check ## check Python and Verilog
	@$(BIN)/ruff format --check models tb tests tools
	@$(BIN)/ruff check models tb tests tools
	@$(BIN)/mypy
	@$(BIN)/python -m tools.requirements_page --check
	@$(BIN)/python -m tools.lint
	@$(BIN)/python -m tools.verible
	@$(BIN)/python -m tools.yosys_check

format: setup ## format Python and Verilog
	@$(BIN)/ruff format models tb tests tools
	@$(BIN)/python -m tools.verible --format

headers: setup ## generate the Verilog headers from the Python enumerations
	@$(BIN)/python -m tools.gen_headers

headers-check: setup
	@$(BIN)/python -m tools.gen_headers --check

waves: setup ## run the demo with a waveform: sim_build/demo/demo.fst and its saved views
	@WAVES=1 $(BIN)/python -m tools.demo

decode: setup ## print a capture: CAPTURE=link.pcap or doe.pcap, KEYS=keys.txt to decrypt it
	@$(BIN)/python -m tools.decode $(CAPTURE) $(if $(KEYS),--keys $(KEYS))

SOCKET = --port $(PORT) $(if $(CONFIG),--config $(CONFIG)) $(ARGS)

serve: setup ## serve the device on a socket: DUT=rtl|model PORT=2323 CONFIG=serve.toml ARGS=...
	@$(BIN)/python -m tools.serve --dut $(DUT) \
	  $(if $(WAVES),--waves sim_build/serve/serve.fst) $(SOCKET)

client: setup ## take a TDI of the served device through its life: PORT=2323 CONFIG=serve.toml ARGS=...
	@$(BIN)/python -m tools.client $(SOCKET)

soak: setup ## many life cycles on one server, without growth: DUT=rtl|model CYCLES=100
	@$(BIN)/python -m tools.soak --dut $(DUT) --cycles $(CYCLES)

fuzz: setup ## spoil messages and judge the answers: DUT=model|rtl N=20000 SEED=1
	@$(BIN)/python -m tools.fuzz --dut '$(if $(filter file,$(origin DUT)),model,$(DUT))' \
	  --messages '$(N)' --seed '$(SEED)'

transitions: setup ## draw docs/transitions.md from what the device does in each state
	@$(BIN)/python -m tools.transitions

bench: setup ## measure cycles and flip-flops by number of functions: docs/performance.md
	@$(BIN)/python -m tools.bench

requirements: setup ## write docs/requirements.md from the plan and the tests
	@$(BIN)/python -m tools.requirements_page

coverage: setup ## tell which requirements the last test run has hit: sim_build/coverage/index.html
	@$(BIN)/python -m tools.coverage

clean: ## remove all that was built
	@rm -rf sim_build
