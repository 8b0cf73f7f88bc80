"""What stands before a pair in its conversation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.importing.samples import sample_id
from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.candidates import candidates, pair_hash, pairs
from srt_core.project.store import Store
from srt_core.records import NO_CONTEXT, Context, Origin, Pair, Role, Turn
from tests.empty_project import create_empty

BRIEF = Context("Be brief.")
TALKED = Context("Be brief.", (Turn(Role.USER, "Hello."), Turn(Role.ASSISTANT, "Hello there.")))
THANKS = Pair("thanks", "you're welcome")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_empty(tmp_path / "p.srt") as opened:
        yield opened


def test_a_pair_without_context_keeps_its_hash_and_id() -> None:
    """Where nothing stands before a pair, its hash and its sample's id are those of version 5."""
    assert pair_hash(THANKS) == "049818e7d39a1190"
    assert sample_id(THANKS, 0) == "a5how2dbwary"


def test_another_context_makes_another_sample() -> None:
    """Two conversations that end in the same exchange are two samples."""
    inside = [Pair("thanks", "you're welcome", context=context) for context in (NO_CONTEXT, BRIEF, TALKED)]
    assert len({pair_hash(pair) for pair in inside}) == 3
    assert len({sample_id(pair, 0) for pair in inside}) == 3


@pytest.mark.parametrize("context", [NO_CONTEXT, BRIEF, TALKED, Context(turns=TALKED.turns)])
def test_a_context_is_read_as_it_was_written(context: Context) -> None:
    """A context is the same after it went through JSON."""
    assert Context.from_json(context.json) == context


def test_candidates_come_back_with_their_context_which_is_stored_once(store: Store) -> None:
    """A context that many pairs share is stored once, and every pair is read with its own."""
    first, second = (Pair(f"question {place}", "answer", context=BRIEF) for place in range(2))
    third, fourth = Pair("third", "answer", context=TALKED), Pair("fourth", "answer")
    for name, pair in zip("abcd", (first, second, third, fourth), strict=True):
        with store.transaction() as tx:
            append_candidates(tx, [NewCandidate(name, Origin.ORIGINAL, "file", pair)])
    assert store.value("SELECT count(*) FROM context") == 2
    assert pairs(store, [1, 2, 3, 4]) == {1: first, 2: second, 3: third, 4: fourth}
    assert candidates(store, "c")[Origin.ORIGINAL].pair == third
