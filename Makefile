# `make fig5` and `make test` each set up everything they need, on a machine with git, make and
# Python 3.11 to 3.13.
PYTHON ?= python3
PRESET ?= laptop
CORES ?= $(shell nproc 2>/dev/null || echo 2)
BIN := .venv/bin
RUN := . $(BIN)/activate &&
# The programs in .venv name the place where they were installed: a folder that was moved or copied
# needs new ones.
HERE := $(shell . $(BIN)/activate 2> /dev/null && [ "$$VIRTUAL_ENV" -ef .venv ] && echo yes)

# Every experiment by the name of its parameter file, the claims, and the verdict on learned methods.
REPORTS := $(filter-out run,$(basename $(notdir $(wildcard params/*.yaml)))) claims verdict
.PHONY: moved $(REPORTS) report site test test-cluster test-wheel gpu-check bench dictionary weights lint format lock clean

$(REPORTS): .venv/installed  ## a figure and its tables; PRESET=smoke|laptop|paper
	$(RUN) l2o unlock && snakemake --cores $(CORES) --config preset=$(PRESET) -- $@_all

report: .venv/installed  ## figures, tables, run times and provenance in one HTML file; PRESET=...
	$(RUN) l2o unlock && snakemake --cores $(CORES) --config preset=$(PRESET) -- report_parts
	$(RUN) snakemake --cores 1 --config preset=$(PRESET) \
	  --report reports/$(PRESET)/report.html --report-stylesheet workflow/report/style.css -- report_parts

site: .venv/installed  ## results to explore, documentation: reports/site; PRESET=... is built first
	$(RUN) $(if $(filter file,$(origin PRESET)),l2o site,l2o unlock && \
	  snakemake --cores $(CORES) --config preset=$(PRESET) -- site)

test: .venv/installed  ## the test suite, the smoke graph included
	$(RUN) pytest --numprocesses 2 --dist loadfile -m "not cluster and not wheel and not gpu"

test-cluster: .venv/installed  ## the smoke graph through a Slurm that is started on this machine
	$(RUN) pytest -m cluster

test-wheel: .venv/installed  ## the wheel in a plain environment: commands, README's examples, sizes
	$(RUN) pytest -m wheel -rP tests/test_wheel.py

gpu-check: .venv/installed  ## on a machine with a GPU: the smoke graph there, twice, beside the CPU's
	$(RUN) pytest -m gpu -rP tests/test_gpu.py

weights: .venv/installed  ## pack the trained weights of this clone into the package
	$(RUN) l2o pack

bench: .venv/installed  ## time of a training step, as ratios
	$(RUN) python tests/bench/bench_training_step.py --out reports/bench.md
	$(RUN) python tests/bench/bench_meta_training.py --out reports/bench_meta.md
	$(RUN) python tests/bench/bench_network_training.py --out reports/bench_networks.md

dictionary: .venv/installed  ## learn the coherent dictionary again, from the images
	$(RUN) l2o unlock && snakemake --cores $(CORES) -- results/dictionaries/bsds500.h5

lint: .venv/installed
	$(RUN) ruff check . && ruff format --check . && snakefmt --check Snakefile workflow

format: .venv/installed
	$(RUN) ruff check --fix . && ruff format . && snakefmt Snakefile workflow

# The exact versions in requirements.lock; torch by pip, so that each platform gets its own build.
.venv/installed: requirements.lock pyproject.toml $(if $(HERE),,moved)
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11 to 3.13 is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(if $(HERE),,--clear) .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

lock:  ## resolve again and write requirements.lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet setuptools wheel torch==2.13.0 ".[pipeline,sklearn,docs,dev]"
	.venv-lock/bin/pip freeze --all --exclude pip --exclude l2o-benchmark | sed 's/+cpu$$//; /^nvidia-/d; /^triton/d' > requirements.lock
	rm -rf .venv-lock

clean:  ## remove results, logs and costs of all presets; reports stay
	rm -rf results unfinished logs costs .snakemake .l2o
