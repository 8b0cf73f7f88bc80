"""The step that finds kinds and groups by subject: what it stores, and what a run that was cut off leaves."""

import random
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner

from srt_core.commands.main import app
from srt_core.importing import grouping
from srt_core.importing.grouping import count_unknown, find_kinds, group_subjects
from srt_core.importing.kinds import kind_of, subjects
from srt_core.importing.run import import_file
from srt_core.project.store import Store
from srt_core.records import Pair
from tests.empty_project import create_empty
from tests.small_project import write_lines

DRAW = random.Random(3)
TOPICS = {
    "cooking": ["oven", "bread", "flour", "butter", "bake", "dough", "recipe", "sugar", "kitchen", "salt"],
    "space": ["planet", "orbit", "rocket", "moon", "star", "galaxy", "telescope", "comet", "launch", "gravity"],
    "music": ["guitar", "melody", "chord", "drums", "singer", "rhythm", "concert", "album", "piano", "violin"],
}
SAMPLES = 90


def topic_rows() -> list[dict[str, str]]:
    """As many samples of each topic, their words drawn from its own ten."""
    rows = []
    for number in range(SAMPLES):
        words = list(TOPICS.values())[number % len(TOPICS)]
        texts = [" ".join(DRAW.choices(words, k=8)) for _ in range(2)]
        rows.append({"instruction": f"Explain {texts[0]}", "input": "", "output": f"{texts[1]} {number}"})
    return rows


ROWS = topic_rows()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A project of 90 samples on three topics."""
    with create_empty(tmp_path / "p.srt") as store:
        for _ in import_file(store, write_lines(tmp_path / "rows.jsonl", ROWS)):
            pass
        yield store


def kinds(store: Store) -> dict[str, tuple[str, str]]:
    rows = store.rows("SELECT sample_id, task, language FROM kind")
    assert len({row["sample_id"] for row in rows}) == len(rows)
    return {row["sample_id"]: (row["task"], row["language"]) for row in rows}


def clusters(store: Store) -> dict[int, int | None]:
    """The cluster of each sample, by its number."""
    rows = store.rows("SELECT seq, cluster FROM kind JOIN sample USING (sample_id) ORDER BY seq")
    return {row["seq"]: row["cluster"] for row in rows}


def walk(steps: Iterator[object]) -> None:
    for _ in steps:
        pass


def test_import_stores_the_kind_of_every_new_sample(store: Store, tmp_path: Path) -> None:
    """Task and language are there as soon as a sample is, once, also when a file comes twice."""
    found = kinds(store)
    assert len(found) == SAMPLES
    row = ROWS[0]
    kind = kind_of(Pair(row["instruction"], row["output"]))
    first = store.value("SELECT sample_id FROM sample WHERE seq = 1")
    assert found[first] == (str(kind.task), kind.language)
    walk(import_file(store, write_lines(tmp_path / "again.jsonl", [*ROWS, {"instruction": "New", "output": "one"}])))
    assert len(kinds(store)) == SAMPLES + 1
    assert count_unknown(store) == 0


def test_kinds_of_an_older_file_are_found_and_a_cut_run_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stopped run found is kept, the next one finds the rest, and the outcome is that of the import."""
    imported = kinds(store)
    with store.transaction() as tx:
        tx.execute("DELETE FROM kind")
    monkeypatch.setattr(grouping, "CHUNK", 20)
    stop = Event()
    for progress in find_kinds(store, stop=stop):
        if progress.done:
            stop.set()
    assert 0 < len(kinds(store)) < SAMPLES
    assert count_unknown(store) == SAMPLES - len(kinds(store))
    last = list(find_kinds(store))[-1]
    assert (last.done, last.total) == (SAMPLES - 20, SAMPLES - 20)
    assert kinds(store) == imported


def test_subjects_part_what_has_other_words(store: Store) -> None:
    """No group holds samples of two topics; its words are of its topic, and the same in every run."""
    walk(group_subjects(store))
    found = clusters(store)
    words = {row["cluster"]: row["words"].split(", ") for row in store.rows("SELECT * FROM cluster")}
    assert set(found.values()) == set(words) == set(range(subjects.group_count(SAMPLES)))
    for cluster, named in words.items():
        topics = {(number - 1) % len(TOPICS) for number, held in found.items() if held == cluster}
        assert len(topics) == 1
        assert set(named) <= set(list(TOPICS.values())[topics.pop()])
    walk(group_subjects(store))
    assert clusters(store) == found


def test_a_run_that_is_cut_off_leaves_the_old_groups(store: Store) -> None:
    """Groups are replaced at the end of a run, all at once."""
    walk(group_subjects(store))
    before = clusters(store), store.rows("SELECT * FROM cluster ORDER BY ALL")
    stop = Event()
    stop.set()
    walk(group_subjects(store, stop=stop))
    assert (clusters(store), store.rows("SELECT * FROM cluster ORDER BY ALL")) == before


def test_what_comes_after_a_grouping_has_no_subject_until_the_next(store: Store, tmp_path: Path) -> None:
    """A sample that was not grouped has no group; it is in none of the others."""
    walk(group_subjects(store))
    walk(import_file(store, write_lines(tmp_path / "more.jsonl", [{"instruction": "Bake", "output": "bread"}])))
    assert clusters(store)[SAMPLES + 1] is None
    walk(group_subjects(store))
    assert clusters(store)[SAMPLES + 1] is not None


@pytest.mark.parametrize(
    "texts",
    [["one"], ["same text here"] * 12, ["", " ", "…"], ["<b>bold</b> $x$ ![i](http://e.vil/i.png)", "words of markup"]],
    ids=["one", "equal", "empty", "markup"],
)
def test_any_texts_can_be_grouped(texts: list[str]) -> None:
    """One text, equal texts, texts without words and markup are grouped; the words of a group are letters alone."""
    found = subjects.fit(texts, len(texts))
    assert all(0 <= group < len(found.words) for group in found.assign(texts))
    assert all(letter.isalpha() or letter in ", " for words in found.words for letter in words)


def test_an_empty_project_has_nothing_to_group(tmp_path: Path) -> None:
    """Without samples the step ends at once."""
    with create_empty(tmp_path / "p.srt") as store:
        walk(find_kinds(store))
        walk(group_subjects(store))
        assert store.value("SELECT count(*) FROM cluster") == 0


def test_the_command_finds_kinds_and_groups(store: Store, tmp_path: Path) -> None:
    """`srt kinds` does both and counts tasks and subjects."""
    store.close()
    done = CliRunner().invoke(app, ["kinds", str(tmp_path / "p.srt")])
    assert done.exit_code == 0, done.output
    assert f"open question: {SAMPLES}" in done.stdout
    assert "subject 0 (" in done.stdout
