# Commands for users and developers; README and CONTRIBUTING explain them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv installs in a tenth of pip's time: the machine's own, or else one that pip puts into the environment.
UV := $(shell command -v uv 2>/dev/null)
# Compiled modules are kept, whatever the shell says: every process of the product shares them.
unexport PYTHONDONTWRITEBYTECODE

# A person sees each package arrive; CI does not print the list.
QUIET := $(if $(CI),-q)
PIP = $(BIN)/python -m pip install $(QUIET) --disable-pip-version-check --require-hashes
# Where uv finds no registry, because only pip knows the address of a mirror, pip installs.
install = $(or $(UV),$(BIN)/uv) pip install $(QUIET) --python $(BIN)/python --require-hashes -r $(1) \
	$(if $(UV),,|| $(PIP) -r $(1))

.PHONY: run dev test test-thorough check fix lint types words bench bench-check lock sbom audit clean

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
	@$(MAKE) --no-print-directory audit

# Known vulnerabilities of the locked packages; says so loudly where the service is out of reach.
audit: $(VENV)/.dev
	@$(BIN)/python -m tests.releases.advisories

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djade --check --target-version 5.2 $$(git ls-files 'templates/*.html')
	$(BIN)/djangofmt --check templates
	$(BIN)/djangofmt check templates
	$(BIN)/oxfmt --check static
	$(BIN)/oxlint static
	$(BIN)/lint-imports
	$(BIN)/python -m tests.deploy.manifests
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.releases.expand_only
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

bench-check: $(VENV)/.dev
	@$(BIN)/python -m benchmarks --check

# The files contain names, versions and hashes only, no address of a package registry.
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --group dev \
		pyproject.toml -o requirements-dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --group installer \
		-o requirements-uv.txt

# What a release is made of, as CycloneDX. SBOM=FILE puts it elsewhere.
SBOM ?= artifacts/firstlight.cdx.json
sbom:
	@$(PYTHON) -m tests.releases.sbom $(SBOM)

clean:
	rm -rf $(VENV)

# An environment whose creation was interrupted is created again.
$(VENV)/.uv: requirements-uv.txt
	@echo "Creating $(VENV)$(if $(UV),, and getting uv (20 MB)) ..."
	@rm -rf $(VENV)
	@$(if $(UV),uv venv -q --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV))
	@$(if $(UV),,$(PIP) -r requirements-uv.txt || echo "There is no uv for this machine; pip installs everything.")
	@touch $@

$(VENV)/.run: requirements.txt | $(VENV)/.uv
	@echo "Installing into $(VENV): 140 MB to download, once ..."
	@$(call install,requirements.txt)
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/.run
	@echo "Installing the development tools ..."
	@$(call install,requirements-dev.txt)
	@touch $@
