# Commands for users and developers; README and CONTRIBUTING explain them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Install with uv if the machine has it, otherwise with venv and pip.
UV := $(shell command -v uv 2>/dev/null)

.PHONY: run dev test test-thorough check fix lint types words bench lock clean

run: $(VENV)/.run
	@$(BIN)/python manage.py serve --first-run

dev: $(VENV)/.run
	@$(BIN)/python manage.py serve --first-run --reload

test: $(VENV)/.dev
	@$(BIN)/python -m tests

test-thorough: $(VENV)/.dev
	@$(BIN)/python -m tests --thorough

# The linters and the type check run at once.
check: $(VENV)/.dev
	@$(MAKE) --no-print-directory -j2 lint types

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djade --check --target-version 5.2 $$(git ls-files 'templates/*.html')
	$(BIN)/djangofmt --check templates
	$(BIN)/djangofmt check templates
	$(BIN)/oxfmt --check static
	$(BIN)/oxlint static
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING

types: $(VENV)/.dev
	$(BIN)/mypy .

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djade --target-version 5.2 $$(git ls-files 'templates/*.html')
	$(BIN)/djangofmt check --fix templates
	$(BIN)/djangofmt templates
	$(BIN)/oxlint --fix static
	$(BIN)/oxfmt static

words: $(VENV)/.dev
	@$(BIN)/python manage.py translations

bench: $(VENV)/.dev
	@$(BIN)/python -m benchmarks

# The files contain names, versions and hashes only, no address of a package registry.
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --group dev \
		pyproject.toml -o requirements-dev.txt

clean:
	rm -rf $(VENV)

$(VENV)/.run: requirements.txt
	@echo "Installing into $(VENV) ..."
	@$(if $(UV),test -x $(BIN)/python || uv venv -q --python $(PYTHON) $(VENV),test -x $(BIN)/python || $(PYTHON) -m venv $(VENV))
	@$(if $(UV),uv pip install -q --python $(BIN)/python --require-hashes -r requirements.txt,$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt)
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	@echo "Installing the development tools ..."
	@$(if $(UV),uv pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.txt,$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt)
	@touch $@
