"""A folder goes to the hub as it was written and checked, under a token that nobody reads anywhere."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.project import events
from srt_core.project.store import Store
from srt_core.records import Origin
from tests.command_line import DONE, ENVIRONMENT, NOT_DONE, ROOT, Finished, called, srt
from tests.push_hub import READER, TOKEN
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

CASE = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})
NAME = "kitchen/cooks"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a hub in a process of its own."""
    port = tmp_path_factory.mktemp("hub") / "port"
    command = [sys.executable, "-m", "tests.push_hub", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.PIPE, text=True) as server:
        while not port.exists() or not port.read_text():
            assert server.poll() is None
        yield f"http://127.0.0.1:{port.read_text()}"
        assert server.stdin
        server.stdin.close()
        server.wait()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create_project(tmp_path / "own.srt", [CASE] * 3).close()
    return tmp_path / "own.srt"


@pytest.fixture
def out(project: Path, tmp_path: Path) -> Path:
    assert (
        called(
            "export", project, tmp_path / "out", "--format", "alpaca", "--format", "parquet", "--validation", "0"
        ).returncode
        == DONE
    )
    return tmp_path / "out"


def push(out: Path, name: str, endpoint: str, *options: str, token: str = TOKEN) -> Finished:
    """Push in a process of its own: the endpoint is read when the hub's library is imported."""
    finished = srt("push", out, name, *options, HF_ENDPOINT=endpoint, HF_TOKEN=token, HF_HUB_DISABLE_XET="1",
                   HF_HOME=str(out.parent / "hf"))  # fmt: skip
    held = [path.read_bytes() for path in out.iterdir() if path.is_file()]
    assert not token or token not in finished.stdout + finished.stderr
    assert not token or all(token.encode() not in content for content in held)
    return finished


def loaded(name: str, endpoint: str, cache: Path, *arguments: str) -> list[dict[str, object]]:
    """The rows of a data set as `datasets` loads it from the hub, in a process of its own."""
    script = """
import json, sys, datasets
print(json.dumps(datasets.load_dataset(*sys.argv[1:], split="train").to_list()))"""
    environment = ENVIRONMENT | {"HF_ENDPOINT": endpoint, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1",
                                 "HF_HOME": str(cache)}  # fmt: skip
    command = [sys.executable, "-W", "ignore", "-c", script, name, *arguments]
    finished = subprocess.run(command, env=environment, cwd=cache, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    rows: list[dict[str, object]] = json.loads(finished.stdout.splitlines()[-1])
    return rows


def test_a_folder_is_pushed_and_remembered(hub: str, project: Path, out: Path, tmp_path: Path) -> None:
    """What arrives is what was written, and loads; where it went is told by command, folder and history."""
    (out / "mine.txt").write_text("not for the hub")
    done = push(out, NAME, hub, "--project", str(project))
    assert (done.returncode, done.stderr) == (DONE, "")
    (kept,) = json.loads((out / "pushed.json").read_text())
    assert kept["is_private"] and len(kept["commit"]) == 40
    assert f"commit {kept['commit']}" in done.stdout and f"{hub}/datasets/{NAME} (private)" in done.stdout
    assert called("push", out).stdout == done.stdout
    with Store.open(project) as store:
        (logged,) = events.events(store, events.EventFilter(kind="push"), 9)
    assert logged.context["commit"] == kept["commit"]
    assert set(kept["files"]) == {path.name for path in out.iterdir()} - {"mine.txt", "pushed.json"}
    assert loaded(NAME, hub, tmp_path) == json.loads((out / "alpaca.train.json").read_text())


def test_a_second_push_takes_away_what_is_not_exported_any_more(hub: str, project: Path, out: Path) -> None:
    """The same folder goes on to the data set that it was pushed to, and a file that is gone is gone there too."""
    name = "kitchen/twice"
    assert push(out, name, hub).returncode == DONE
    assert called("export", project, out, "--format", "alpaca", "--validation", "0").returncode == DONE
    assert push(out, name, hub).returncode == DONE
    latest, first = json.loads((out / "pushed.json").read_text())
    assert set(first["files"]) - set(latest["files"]) == {"pairs.train.parquet"}
    assert latest["commit"] != first["commit"]


def test_only_what_srt_wrote_is_pushed(hub: str, out: Path, tmp_path: Path) -> None:
    """A folder of somebody else, and one with a file that was changed or is gone, are refused by the file's name."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "data.json").write_text("[]")
    assert "no folder that srt exported" in push(tmp_path / "other", NAME, hub).stderr
    written = (out / "alpaca.train.json").read_text()
    (out / "alpaca.train.json").write_text(written + " ")
    assert "alpaca.train.json was changed since" in push(out, NAME, hub).stderr
    (out / "alpaca.train.json").unlink()
    assert "alpaca.train.json is not there any more" in push(out, NAME, hub).stderr


@pytest.mark.thorough
def test_each_refusal_has_a_sentence_that_fits(hub: str, out: Path) -> None:
    """No token, a wrong one, one without the right, a name that is none or taken, a public data set where a private
    one is asked for, no network and a connection that is lost: each says so, and what to do."""
    assert push(out, "kitchen/open", hub, "--public").returncode == DONE
    for name, endpoint, token, said in (
        ("kitchen/new", hub, "", "HF_TOKEN is not set"),
        ("kitchen/new", hub, "hf_wrong", "The hub does not know the token"),
        ("kitchen/new", hub, READER, "may not write to kitchen/new"),
        ("somebody/new", hub, TOKEN, "may not write to somebody/new"),
        ("a/b/c", hub, TOKEN, "a/b/c is no name of a data set"),
        ("kitchen/open", hub, TOKEN, "is public, and a private one was asked for"),
        ("kitchen/new", "http://127.0.0.1:1", TOKEN, "did not answer to the end"),
        ("kitchen/cut", hub, TOKEN, "a commit is whole or not at all"),
    ):
        refused = push(out, name, endpoint, token=token)
        assert (refused.returncode, refused.stdout) == (NOT_DONE, "")
        assert said in refused.stderr, refused.stderr
    assert "made, and the files did not arrive" in called("push", out).stdout
    (out / "pushed.json").unlink()
    assert "There is a data set kitchen/open on the hub already" in push(out, "kitchen/open", hub, "--public").stderr
    assert push(out, "kitchen/open", hub, "--public", "--replace").returncode == DONE
