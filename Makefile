# Two commands do everything on a fresh machine: `make demo` and `make test`. They need Python 3.11 or newer, and make.
VENV ?= .venv
PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,$(shell $(p) -c 'import sys; sys.version_info >= (3, 11) and print("$(p)")' 2>/dev/null)))
BIN := $(VENV)/bin
SOURCES := pyproject.toml $(shell find gan_probe plugins models/digits-dcgan -type f ! -name '*.pyc' ! -path '*/__pycache__/*')

# uv, where it is installed, does in a minute what pip does in three
UV := $(shell command -v uv 2>/dev/null)
ifdef UV
INSTALL = VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install -q
else
INSTALL = $(BIN)/python -m pip install -q --disable-pip-version-check
endif

.PHONY: demo test slow lint format docs reports zoo bench-probe bench-full-size bench-neighbors bench-dedup bench-sampling bench-train bench-stream ablations clean

demo: $(VENV)/.package  ## the main job on embedded inputs: the probe of a digits GAN, with its controls
	$(BIN)/gan-probe run --plugin linear-probe --plugin samples digits-dcgan --out demo-report --force

test: $(VENV)/.test  ## the tests, against the installed wheel
	$(BIN)/pytest

slow: $(VENV)/.test  ## the minutes-long tests too
	$(BIN)/pytest -m slow --timeout=3600

lint: $(VENV)/.lint  ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --python-executable $(BIN)/python

format: $(VENV)/.lint
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/.docs  ## the documentation, into site/: any warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir site

$(VENV)/.venv:
	@test -n "$(PYTHON)" || { echo "gan-probe needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.package: $(VENV)/.venv $(SOURCES)
	@echo "installing gan-probe into $(VENV): the first time this takes minutes, as PyTorch is large"
	$(INSTALL) .
	$(INSTALL) --no-deps --force-reinstall .
	@touch $@

$(VENV)/.test: $(VENV)/.package
	$(INSTALL) --group test
	@touch $@

$(VENV)/.lint: $(VENV)/.package
	$(INSTALL) --group test --group lint
	@touch $@

$(VENV)/.docs: $(VENV)/.package
	$(INSTALL) --group docs
	@touch $@

SHARED ?= ../shared

reports: $(VENV)/.package  ## the example reports in reports/, made anew: hours, and 9 GB of memory
	$(BIN)/gan-probe run --plugin linear-probe --plugin samples digits-dcgan --out reports/digits-dcgan --force
	$(BIN)/gan-probe paper digits-dcgan --out reports/paper-digits-dcgan --force
	$(BIN)/python $(SHARED)/data/unpack .cache cifar10
	$(BIN)/gan-probe run --plugin linear-probe --plugin samples $(SHARED)/weights/dcgan_code_svhn \
	  --data .cache/cifar10 --protocol cifar10 --draws 5 --c 2e-5,5e-5,1e-4,2e-4,5e-4,1e-3 \
	  --out reports/dcgan-code-svhn --force
	$(BIN)/gan-probe run --plugin linear-probe imagenet32-dcgan --data .cache/cifar10 --protocol cifar10 --draws 5 \
	  --baselines random,pixels,kmeans --centroids 4800 --c 1e-5,3e-5,1e-4,3e-4,1e-3,3e-3 \
	  --out reports/imagenet32-cifar10 --force
	$(BIN)/gan-probe run -p samples -p latent-walk -p filter-dropout -p directions -p collapse -p quality toy-rooms-dcgan \
	  --data toy-rooms --layer dense1 --top 20 --out reports/toy-rooms-dcgan --force
	$(BIN)/gan-probe run -p filters -p nearest-neighbors -p dedup toy-rooms-dcgan --data toy-rooms \
	  --out reports/toy-rooms-data --force
	$(BIN)/gan-probe run -p vector-arithmetic -p turn-vector toy-faces-dcgan --data toy-faces \
	  --judges toy-faces:smile,toy-faces:glasses,toy-faces:hair --equations "$(SUMS)" --judge toy-faces:pose \
	  --vector-arithmetic-candidates 20000 --turn-vector-candidates 20000 --out reports/toy-faces-dcgan --force
	$(BIN)/python $(SHARED)/data/unpack .cache mnist
	$(BIN)/gan-probe run -p nn-classifier mnist-conditional-dcgan --data .cache/mnist.npz \
	  --out reports/mnist-conditional-dcgan --force

# of the toy faces: the first was found by looking around, the others say the same of other attributes
SUMS := smiling & long - neutral & long + neutral & short,\
smiling & short - neutral & short + neutral & long,\
smiling & no glasses - neutral & no glasses + neutral & glasses,\
glasses & short - no glasses & short + no glasses & long,\
glasses & long - no glasses & long + no glasses & short

zoo: $(VENV)/.package  ## the models in models/, or those of MODELS="...", trained and published: hours; stop and go on at will
	$(BIN)/python models/zoo.py make --shared $(SHARED) $(MODELS)

bench-probe: $(VENV)/.package  ## the solver against LinearSVC, and extraction against onnxruntime; JSON in the last line
	$(BIN)/python benchmarks/probe.py --shared $(SHARED)

bench-full-size: $(VENV)/.package  ## the probe of 50,000 x 28,672 features: extraction, five values of C, memory; JSON in the last line
	$(BIN)/python $(SHARED)/data/unpack .cache cifar10
	$(BIN)/python benchmarks/full_size.py

bench-neighbors: $(VENV)/.package  ## nearest neighbours against faiss and scikit-learn; JSON in the last line
	-$(INSTALL) faiss-cpu
	$(BIN)/python benchmarks/neighbors.py --shared $(SHARED)

bench-dedup: $(VENV)/.package  ## near-duplicates on samples whose truth is known; JSON in the last line
	$(BIN)/python $(SHARED)/data/unpack .cache cifar10
	$(BIN)/python benchmarks/duplicates.py .cache/cifar10 toy-rooms toy-faces --sheet .cache/wrong-pairs.png

bench-stream: $(VENV)/.package  ## a stream of 3,000,000 images: speed and memory; JSON in the last line
	$(BIN)/python benchmarks/stream.py

bench-sampling: $(VENV)/.package  ## sampling against a bare loop over the generator; JSON in the last line
	$(BIN)/python benchmarks/sampling.py

bench-train: $(VENV)/.package  ## training against the PyTorch tutorial's loop; JSON in the last line
	$(BIN)/python benchmarks/training.py --shared $(SHARED)

ablations: $(VENV)/.package  ## which constraint of the paper, when dropped, makes training fail: hours; stop and go on at will
	$(BIN)/python benchmarks/ablations.py --shared $(SHARED) --out .cache/ablations.csv

clean:
	rm -rf $(VENV) demo-report site
