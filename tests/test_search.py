"""Full text: what is found, in which versions, and that what was found once is found again."""

from pathlib import Path

import pytest

from srt_core.errors import SRTError
from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.store import SCRATCH, Store
from srt_core.records import Context, Origin, Pair
from srt_core.review.filter import facets, search
from srt_core.review.filter.filter import Filter
from tests import context_project
from tests.browsing import sample_ids
from tests.context_project import turns
from tests.rule_project import create_project, random_cases, sample_name


def add(store: Store, place: int, pair: Pair, producer: str) -> None:
    """Return a sample one more rewrite."""
    with store.transaction() as tx:
        append_candidates(tx, [NewCandidate(sample_name(place), Origin.RESPONSE, producer, pair, None)])
        tx.bump([sample_name(place)])


def found(store: Store, text: str) -> list[str]:
    """The samples of a filter on text."""
    return sample_ids(store, Filter(text=text), "number", 100)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three samples under a name that another database in the same process could have."""
    return create_project(tmp_path / "scratch.srt", random_cases(3, 1))


def test_a_text_is_found_in_every_part_of_every_version(store: Store) -> None:
    """Instruction, input or response of any candidate, in capitals or not, of any alphabet."""
    add(store, 0, Pair("Sag etwas.", "Schöne GRÜßE", "Zum Beispiel"), "one")
    add(store, 1, Pair("Do it.", "100 % {of} it's _done_ \\ $text"), "one")
    for text in ("schöne grüß", "SAG ETWAS", "beispiel"):
        assert found(store, text) == [sample_name(0)]
    for text in ("100 %", "{of}", "it's", "_done_", "\\", "$text"):
        assert found(store, text) == [sample_name(1)]
    assert found(store, "do_it") == found(store, ".*") == found(store, "d.ne") == []
    assert found(store, "x" * 5_000) == []
    with pytest.raises(SRTError, match="too long"):
        found(store, "x" * 100_001)
    assert len(found(store, "DONE.")) == 3


def test_what_is_added_later_is_found_by_a_text_that_was_looked_for_before(store: Store) -> None:
    """A kept find grows with the project, and holds a sample once."""
    assert found(store, "ostrich") == []
    add(store, 2, Pair("Do it.", "An ostrich."), "one")
    assert found(store, "ostrich") == [sample_name(2)]
    add(store, 2, Pair("Do it.", "Another ostrich."), "two")
    add(store, 0, Pair("Do it.", "A third ostrich."), "two")
    assert found(store, "ostrich") == [sample_name(0), sample_name(2)]
    assert facets.count(store, Filter(text="ostrich")) == 2


def test_finds_that_nobody_uses_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many texts are looked for, few finds are kept; a forgotten text is found again."""
    monkeypatch.setattr(search, "IN_USE_SECONDS", -1)
    add(store, 1, Pair("Do it.", "A wren."), "one")
    for number in range(40):
        found(store, f"text {number}")
        assert found(store, "wren") == [sample_name(1)]
    with store.scratch() as scratch:
        kept = scratch.execute(f"SELECT count(*) FROM {SCRATCH}.searched")[0][0]
    assert kept <= search.KEPT


def test_a_text_is_found_in_the_context(tmp_path: Path) -> None:
    """What stands before a pair is found message by message, quotes and line breaks too, and not how it is stored."""
    pair = Pair("Why?", "So.", context=Context('Say "moin".\nAlways', turns("Hail", "What\tnow\\?")))
    with context_project.create_project(tmp_path / "c.srt", [(pair, {}), (Pair("Why?", "So."), {})]) as store:
        first, second = context_project.sample_ids(store)
        for text in ('SAY "moin', ".\nalways", "hail", "what\tnow\\"):
            assert found(store, text) == [first]
        for text in ("role", "content", "nalways", "u0009", 'assistant", "', "AlwaysHail"):
            assert found(store, text) == []
        assert found(store, "why?") == [first, second]
        added = Pair("Why?", "Yes.", context=Context("A late ostrich."))
        assert found(store, "ostrich") == []
        with store.transaction() as tx:
            append_candidates(tx, [NewCandidate(second, Origin.RESPONSE, "late", added, None)])
            tx.bump([second])
        assert found(store, "ostrich") == [second]
