# Three commands set mmvg up and use it: `make demo`, `make train` and `make test`. All work from a bare clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
DEMO := work_dirs/demo
TRAINED := work_dirs/instancevg_refshapes
DATA := data/refshapes

# Two stacks run the same code. By default nothing is compiled; OPS=1 builds mmcv with its ops, as does a machine with a
# GPU and CUDA's compiler, where multi-scale deformable attention then runs mmcv's CUDA kernel. OPS=0 forbids it.
NVCC := $(shell command -v nvcc 2>/dev/null || ls "$${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" 2>/dev/null)
GPU := $(shell nvidia-smi --list-gpus 2>/dev/null | head -n 1)
OPS ?= $(if $(and $(NVCC),$(GPU)),1,0)
ifeq ($(OPS),1)
STACK := requirements/onedl.txt
PINS := --constraints requirements/constraints-ops.txt --overrides requirements/overrides.txt
else
STACK := requirements/lite.txt
PINS := --constraints requirements/constraints.txt --overrides requirements/overrides.txt --overrides requirements/overrides-lite.txt
endif

# Everything that decides what is installed; a change of any of it re-installs, and nothing else does.
SETUP_FILES := $(wildcard requirements/*.txt) setup.py pyproject.toml
STAMP := $(VENV)/.installed-ops$(OPS)-$(shell cat $(SETUP_FILES) | cksum | cut -d' ' -f1)

# A GPU without a CUDA compiler cannot build mmcv's CUDA ops: hide it from the build, which then makes the CPU ops.
HIDE_GPU := $(if $(NVCC),,CUDA_VISIBLE_DEVICES=)

.PHONY: help install drawn demo train test test-slow test-fuzz test-faults docs lint clean

help:
	@echo "make demo   draw RefShapes, score the model that comes with mmvg on it, and leave a picture of its predictions"
	@echo "make train  draw RefShapes, train InstanceVG on it and score it"
	@echo "make test   run the test suite"
	@echo "make test-slow   run the tests that take long, which make test leaves out"
	@echo "make test-fuzz   damage files of every format 2,000 times at random; some minutes"
	@echo "make install OPS=1   install with mmcv's compiled ops; by default nothing is compiled"
	@echo "make test-faults   kill, stop and starve runs, and compare what they end with; some minutes"
	@echo "make docs   build the documentation as a site, work_dirs/site/index.html"
	@echo "make lint   check style"
	@echo "make clean  remove the environment, the drawn data and the demo's results"

$(STAMP):
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV)$(if $(filter 1,$(OPS)),; mmcv compiles its ops for some minutes)"
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	@for other in $(if $(filter 1,$(OPS)),mmcv-lite,onedl-mmcv); do \
	    $(BIN)/uv pip uninstall --quiet --python $(BIN)/python $$other 2>/dev/null || true; done
	$(HIDE_GPU) $(BIN)/uv pip install --compile-bytecode --python $(BIN)/python $(PINS) \
	    -r requirements/runtime.txt -r $(STACK) -r requirements/web.txt -r requirements/serve.txt -r requirements/export.txt -r requirements/ray.txt -r requirements/sim.txt -r requirements/tests.txt -r requirements/docs.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --editable .
	@rm -f $(VENV)/.installed-* && touch $@

install: $(STAMP)

# Scores the model that comes with mmvg; nothing is trained.
demo: drawn
	OMP_NUM_THREADS=1 $(BIN)/mmvg test instancevg/refshapes instancevg_refshapes --work-dir $(DEMO) --show-dir $(DEMO)/predictions
	@echo "The picture of predictions: $(DEMO)/predictions/predictions.png"
	@echo "A picture and four sentences of your choice: $(BIN)/mmvg demo --number 7"
	@echo "To train such a model yourself, some minutes on four cores: make train"

train: drawn
	OMP_NUM_THREADS=1 PYTHON=$(BIN)/python tools/dist_train.sh configs/instancevg/refshapes.py 4 --work-dir $(TRAINED)
	OMP_NUM_THREADS=1 $(BIN)/mmvg test instancevg/refshapes "$$(cat $(TRAINED)/last_checkpoint)" --work-dir $(TRAINED)/test \
	    --show-dir $(TRAINED)/predictions
	@echo "The picture of predictions: $(TRAINED)/predictions/predictions.png"

drawn: install
	$(BIN)/mmvg data draw --out $(DATA) --size small --seed 0 --formats grefcoco refcoco refcoco+ refcocog --force

# A process needs 2 GB and imports for some seconds; a file stays together, for its tests share what they make. A process that
# crashes ends the run: pytest-xdist may wait for ever after it has replaced one.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n logical --maxprocesses 4 --dist loadfile --max-worker-restart 0 tests

test: install
	$(PYTEST) -m "not slow"

test-slow: install
	$(PYTEST) -m slow

# Its trials run in processes of their own, as many as there are cores.
test-faults: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n logical --maxprocesses 2 --dist loadfile tests/faults -m faults

test-fuzz: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/fuzz -m fuzz

docs: install
	$(BIN)/python -m properdocs build --strict
	@echo "The site: work_dirs/site/index.html"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV) $(DATA) $(DEMO) $(TRAINED) work_dirs/site
