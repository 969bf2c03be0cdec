# Two commands set mmvg up and use it: `make demo` and `make test`. Both work from a bare clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
DEMO := work_dirs/instancevg_refshapes
DATA := data/refshapes

# Everything that decides what is installed; a change of any of it re-installs, and nothing else does.
SETUP_FILES := $(wildcard requirements/*.txt) setup.py pyproject.toml
STAMP := $(VENV)/.installed-$(shell cat $(SETUP_FILES) | cksum | cut -d' ' -f1)

# A GPU without a CUDA compiler cannot build mmcv's CUDA ops: hide it from the build, which then makes the CPU ops.
HIDE_GPU := $(shell command -v nvcc >/dev/null 2>&1 || [ -x "$${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" ] || echo CUDA_VISIBLE_DEVICES=)

.PHONY: help install demo test docs lint clean

help:
	@echo "make demo   draw RefShapes, train InstanceVG on it, evaluate it and leave a picture of its predictions"
	@echo "make test   run the test suite"
	@echo "make docs   build the documentation as a site, work_dirs/site/index.html"
	@echo "make lint   check style"
	@echo "make clean  remove the environment, the drawn data and the demo's results"

$(STAMP):
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV); the first time mmcv compiles for some minutes"
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	$(HIDE_GPU) $(BIN)/uv pip install --python $(BIN)/python --constraints requirements/constraints.txt \
	    --overrides requirements/overrides.txt \
	    -r requirements/runtime.txt -r requirements/onedl.txt -r requirements/web.txt -r requirements/tests.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --editable .
	@rm -f $(VENV)/.installed-* && touch $@

install: $(STAMP)

demo: install
	$(BIN)/python tools/dataset_converters/refshapes.py --out $(DATA) --size small --seed 0 \
	    --formats grefcoco refcoco refcoco+ refcocog --force
	OMP_NUM_THREADS=1 PYTHON=$(BIN)/python tools/dist_train.sh configs/instancevg/refshapes.py 4 --work-dir $(DEMO)
	$(BIN)/python tools/test.py configs/instancevg/refshapes.py "$$(cat $(DEMO)/last_checkpoint)" --work-dir $(DEMO)/test \
	    --show-dir $(DEMO)/predictions
	@echo "The picture of predictions: $(DEMO)/predictions/predictions.png"

test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile tests

docs: install
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraints requirements/constraints.txt -r requirements/docs.txt
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "The site: work_dirs/site/index.html"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV) $(DATA) $(DEMO) work_dirs/site
