"""Cherry's score (arXiv 2308.12032) is the authors' own, and what max length cuts is known by text."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from srt_core.errors import TemplateError
from srt_core.methods import METHODS, PRESETS
from srt_core.project.candidates import candidates
from srt_core.project.store import Store
from srt_core.records import CandidateLosses, Loss, LossStatus, Origin
from srt_core.review.filter.facets import count
from srt_core.review.filter.filter import Filter
from srt_core.score.ifd import Convention, score_of
from srt_core.score.run import score
from srt_core.score.templates import load_template
from srt_core.select import selection
from srt_core.select.derive import refresh
from srt_core.select.panel import COMPUTED_LATER
from tests.conversations import add_exchanges, exchanges
from tests.empty_project import create_empty
from tests.exporting import export_one
from tests.pipeline import CountingStudent, counting_student, import_rows
from tests.reflecting import walk
from tests.small_project import alpaca_rows
from tests.tiny_students import byte_tokenizer, tiny_llama

TEMPLATE = load_template("alpaca")
LOSSES = METHODS["cherry"].losses
ROWS = [
    *alpaca_rows(12),
    {"instruction": "Name a colour.", "input": "", "output": "Red, green and blue are three of them. " * 12},
    {"instruction": "Name three colours of the rainbow. " * 9, "input": "", "output": "Red."},
    {"instruction": "Translate the sentence into French. " * 20, "input": "", "output": "Le chat dort."},
]
LENGTH = 160
READ = ("response_read", "instruction_read")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_empty(tmp_path / "p.srt") as store:
        import_rows(store, ROWS)
        yield store


@pytest.fixture(scope="module")
def student() -> CountingStudent:
    torch.set_num_threads(1)
    return counting_student()


def score_by_cherry(store: Store, student: CountingStudent) -> None:
    walk(score(store, student, TEMPLATE, convention=Convention.REFERENCE, max_length=LENGTH, added=LOSSES))


def numbers(store: Store, measure: str) -> list[float | None]:
    """A measure of every original, in order."""
    refresh(store)
    return [row["number"] for row in store.rows(f"SELECT original_{measure} AS number FROM panel ORDER BY seq")]


def published(tokenizer: Any, model: Any, row: Mapping[str, str], length: int) -> float | None:
    """The authors' score of a pair, from their formula: mean token losses of the answer, by labels and places.

    The whole text is tokenised at once and cut at max length; the answer alone stands after the prefix and is cut where
    the other one is. The losses are transformers' own, one text at a time.
    """
    before = TEMPLATE.with_input if row["input"] else TEMPLATE.no_input
    prompt = before.replace("{instruction}", row["instruction"]).replace("{input}", row["input"])

    def mean_loss(begin: str, limit: int) -> float | None:
        ids = tokenizer.encode(begin + row["output"])[:limit]
        first = len(tokenizer.encode(begin))
        if len(ids) <= first:
            return None
        labels = [-100] * first + ids[first:]
        with torch.no_grad():
            found = model(input_ids=torch.tensor([ids]), labels=torch.tensor([labels]))
        return float(found.loss)

    prefix, prompt_length = "### Response:", len(tokenizer.encode(prompt))
    given = mean_loss(prompt, length)
    alone = mean_loss(prefix, length - prompt_length + len(tokenizer.encode(prefix)))
    return None if given is None or alone is None else given / alone


def test_the_score_is_the_authors(store: Store, student: CountingStudent) -> None:
    """On every pair the score is their formula's, also where max length cuts the answer; none where nothing is left."""
    score_by_cherry(store, student)
    tokenizer = byte_tokenizer(has_bos=True)
    model = tiny_llama(len(tokenizer))  # its weights are those of the student
    wanted = [published(tokenizer, model, row, LENGTH) for row in ROWS]
    found = numbers(store, "cherry_ifd")
    assert [number is None for number in found] == [number is None for number in wanted]
    assert wanted[-1] is None
    there = [number for number in wanted if number is not None]
    assert [number for number in found if number is not None] == pytest.approx(there, rel=1e-5)
    assert len(there) > len(ROWS) / 2


def test_a_bigram_student_gives_the_ratio_worked_out_by_hand() -> None:
    """Losses after the start token and after the prefix give two scores that differ."""
    means = (0.804718956, 0.255412812, 1.0, 1.0, 0.458145366)
    *four, after = (Loss(mean, 3, LossStatus.OK) for mean in means)
    found = score_of(CandidateLosses(*four, added=(after,)), LOSSES)
    assert [each.value for each in found.added] == pytest.approx([0.557492951], abs=1e-6)
    assert found.loss_ratio == pytest.approx(0.317393806, abs=1e-6)


def test_without_it_the_fifth_loss_costs_nothing(store: Store, student: CountingStudent) -> None:
    """A scoring that does not ask for it is another, of the same four losses, which are not computed again."""
    walk(score(store, student, load_template("alpaca"), convention=Convention.REFERENCE, max_length=LENGTH))
    four = store.value("SELECT count(*) FROM loss")
    assert numbers(store, "cherry_ifd") == [None] * len(ROWS)
    score_by_cherry(store, student)
    assert store.value("SELECT count(*) FROM loss") - four <= len(ROWS)
    assert [row["scorings"] for row in store.rows("SELECT count(*) AS scorings FROM scoring")] == [2]


def test_a_template_without_a_prefix_has_no_such_score() -> None:
    """Where no words open the response there is nothing to put before it, and nothing is made up."""
    with pytest.raises(TemplateError, match="The template plain has no text direct_prefix"):
        load_template("plain").text("direct_prefix")


def test_the_policy_keeps_a_floored_share_of_what_is_not_above_one(store: Store, student: CountingStudent) -> None:
    """A score above 1 is dropped, and of the rest the highest are kept: int(rate x survivors)."""
    score_by_cherry(store, student)
    policy = PRESETS["cherry"]
    found = [value for value in numbers(store, "cherry_ifd") if value is not None]
    below = sorted((value for value in found if value <= 1), reverse=True)
    rows = selection.select(store, policy)
    dropped = [value is not None and value > 1 for value in numbers(store, "cherry_ifd")]
    assert [row["reason"] == "cherry_ceiling" for row in rows] == dropped
    kept = [row["winner_cherry_ifd"] for row in rows if row["origin"]]
    assert sorted(kept, reverse=True) == below[: int(policy.top_share / 100 * len(below))]


def test_what_is_cut_is_flagged_for_the_ratio_it_touches(store: Store, student: CountingStudent) -> None:
    """A long response is cut for IFD, a long instruction for r-IFD; where a prompt leaves no room nothing is read."""
    walk(score(store, student, load_template("alpaca"), max_length=LENGTH))
    whole = range(len(ROWS) - 3)
    read, asked = numbers(store, "response_read"), numbers(store, "instruction_read")
    assert {read[place] for place in whole} == {1.0}
    cut = read[-3]
    assert cut is not None and 0 < cut < 1
    tokens = len(byte_tokenizer(has_bos=True).encode(ROWS[-3]["output"], add_special_tokens=False))
    assert math.isclose(cut * tokens, store.value("SELECT max(tokens_y) FROM score"), rel_tol=1e-9)
    assert (read[-1], asked[-3]) == (0.0, 0.0)
    number = asked[-1]
    assert number is not None and number < 1
    assert count(store, Filter(problem=("truncated",))) >= 3


def test_what_was_not_read_has_no_number(tmp_path: Path, student: CountingStudent) -> None:
    """Where a candidate was scored and has no IFD, nothing says that its response was read, on no screen or export."""
    with create_empty(tmp_path / "p.srt") as store:
        import_rows(store, alpaca_rows(1))
        add_exchanges(store, exchanges([("Hello.", "Hello there.")], "Be brief."))
        walk(score(store, student, TEMPLATE, max_length=LENGTH, added=LOSSES))
        refresh(store)
        (_, row) = store.rows("FROM panel ORDER BY seq")
        assert [row[f"original_{name}"] for name in READ] == [None, None]
        found = candidates(store, row["sample_id"], None, COMPUTED_LATER)[Origin.ORIGINAL]
        assert found.status is LossStatus.NOT_CARRIED
        assert [found.measures[name] for name in READ] == [None, None]
        export_one(store, tmp_path / "out", "scores", by="Ann")
        lines = [json.loads(line) for line in (tmp_path / "out" / "scores.jsonl").read_text("utf-8").splitlines()]
        assert [[line[name] for name in (*READ, "cherry_ifd")] for line in lines[1:]] == [[None] * 3]
        assert lines[0]["response_read"] == 1
        assert store.rows("SELECT DISTINCT status FROM measurement WHERE measure = 'cherry_ifd' AND value IS NULL") == [
            {"status": "context_not_carried"}
        ]


def test_a_policy_leaves_out_what_was_cut(store: Store, student: CountingStudent) -> None:
    """The guards on what was read drop the cut ones and no other, each with its reason."""
    walk(score(store, student, load_template("alpaca"), max_length=LENGTH))
    free = PRESETS["superfiltering"].limited(max_ifd=None, min_response_read=1.0)
    read = numbers(store, "response_read")
    reasons = [row["reason"] for row in selection.select(store, free)]
    assert [reason == "response_cut" for reason in reasons] == [value is not None and value < 1 for value in read]
