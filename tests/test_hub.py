"""Data sets of the hub: which files a config and a split are, and that they are read as files on this machine."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from srt_core.importing.imports import imports
from srt_core.project.store import Store
from tests.empty_project import create_empty
from tests.hub_server import SHA, hub
from tests.small_project import alpaca_rows

NAME = "kitchen/cooks"
CARD = """---
configs:
- config_name: short
  data_files:
  - split: train
    path: "short/train-*"
  - split: test
    path: short/test.jsonl
- config_name: long
  data_files: "long/*.parquet"
---
# Cooks
"""


def lines(first: int, last: int) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in alpaca_rows(last)[first:]).encode()


def parquet(count: int) -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(alpaca_rows(count)), file)
    return file.getvalue()


FILES = {
    "README.md": CARD.encode(),
    "short/train-0.jsonl": lines(0, 3),
    "short/train-1.jsonl": lines(3, 5),
    "short/test.jsonl": lines(5, 6),
    "long/a.parquet": parquet(9),
}


def bring(project: Path, endpoint: str, *options: str, token: str = "") -> subprocess.CompletedProcess[str]:
    """Import from the hub in a process of its own: the endpoint is read when the hub's library is imported."""
    command = [sys.executable, "-m", "srt_core", "import", str(project), f"hf://datasets/{NAME}", *options]
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_TOKEN": token, "HF_HOME": str(project.parent / "hf")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create_empty(tmp_path / "p.srt").close()
    return tmp_path / "p.srt"


@pytest.mark.thorough
def test_a_config_and_a_split_are_the_files_that_the_card_says(project: Path) -> None:
    """What is not clear is asked; each file is an import whose record has the revision; a token is sent."""
    with hub(NAME, FILES, token="secret") as endpoint:
        assert "HF_TOKEN" in bring(project, endpoint).stderr
        assert "Say which: --config short." in bring(project, endpoint, token="secret").stderr
        asked = ("--config", "short", "--revision", "v1")
        assert "Say which: --split train." in bring(project, endpoint, *asked, token="secret").stderr
        done = bring(project, endpoint, *asked, "--split", "train", token="secret")
        assert done.stdout.startswith("5 samples added"), done.stderr
        done = bring(project, endpoint, "--config", "long", token="secret")
        assert done.stdout.startswith("4 samples added, 0 rewrites, 5 known before"), done.stderr
    with Store.open(project) as store:
        assert {each.path for each in imports(store)} == {
            f"hf://datasets/{NAME}@{SHA}/{path}"
            for path in ("short/train-0.jsonl", "short/train-1.jsonl", "long/a.parquet")
        }


def test_without_a_card_names_say_the_split(project: Path) -> None:
    """As `datasets` does: by the words in the names, files of the most common kind."""
    files = {"data/train-00000-of-00001.jsonl": lines(0, 4), "data/test-00000-of-00001.jsonl": lines(4, 6),
             "about.json": b"{}"}  # fmt: skip
    with hub(NAME, files) as endpoint:
        done = bring(project, endpoint, "--split", "test")
    assert done.stdout.startswith("2 samples added"), done.stderr
