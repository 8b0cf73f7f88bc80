.PHONY: help run test test-all audit format clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

run:  ## install what is missing and open the app on the demo project
	@scripts/install.sh run
	.venv/bin/srt app

test:  ## install what the tests need, then lint, types, import contracts and tests
	@scripts/install.sh test
	@scripts/browser.sh
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-all:  ## make a real small student in .cache, then all of `make test`, what needs that student, and every architecture
	@scripts/install.sh test
	.venv/bin/python scripts/small_student.py .cache/smollm2
	SRT_ALL=1 SRT_SMOLLM2=$(CURDIR)/.cache/smollm2 $(MAKE) test

audit:  ## list the licences of what is installed, and its known vulnerabilities where they can be asked for
	@scripts/install.sh run
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[audit]'
	.venv/bin/python scripts/audit.py

format:  ## sort imports and lay out the code
	@scripts/install.sh test
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

clean:  ## remove what was installed and cached, never a project
	rm -rf .venv .cache build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
