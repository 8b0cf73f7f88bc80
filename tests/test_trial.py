"""The trial of a student: a trained model, sure of some tokens, is scored in packs, and the scoring says so."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM

from srt_core.records import LossRequest, LossStatus
from srt_core.score.run import score
from srt_core.score.student import Batching, Student, load_student
from srt_core.score.templates import load_template
from tests.empty_project import create_empty
from tests.pipeline import import_rows
from tests.reflecting import walk
from tests.small_project import COLUMN_MAP, rows_with_candidates
from tests.tiny_students import TEXTS, byte_tokenizer, tiny_llama

TOKENIZER = byte_tokenizer(has_bos=True)
UNFELT_NATS = 2e-5
STEPS = 150


def sure_llama() -> LlamaForCausalLM:
    """A tiny Llama that was trained on five sentences until it knows them by heart."""
    model: Any = tiny_llama(len(TOKENIZER), hidden=64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    encoded = [torch.tensor([TOKENIZER.encode(f"{text} {text}")]) for text in TEXTS]
    for _ in range(STEPS):
        for ids in encoded:
            model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def trained() -> tuple[Student, Any]:
    """A student that was trained, and its weights in float64."""
    torch.set_num_threads(1)
    model = sure_llama()
    exact: Any = copy.deepcopy(model).double()
    return Student(model, TOKENIZER, "trained"), exact


def test_a_trained_student_is_packed_and_right_where_it_is_sure(trained: tuple[Student, Any]) -> None:
    """Tokens that it knows have losses near 0; in packs each is within 2e-5 nats of float64, which the trial tells."""
    student, exact = trained
    identity = student.identity
    assert (identity.batching, identity.batching_reason) == (Batching.PACKED, "")
    assert identity.agreement.endswith("nats of float64.")
    requests = [LossRequest(tuple(TOKENIZER.encode(f"{text} {text}")), 1, LossStatus.OK) for text in TEXTS]
    (pack,) = student.packs(requests)
    for request, found in zip(pack, student.token_losses(pack), strict=True):
        ids = torch.tensor([request.ids])
        with torch.no_grad():
            logits = exact(input_ids=ids).logits[0, :-1]
        expected = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")
        assert float(expected.min()) < 1e-3
        assert float((torch.tensor(found).double() - expected).abs().max()) < UNFELT_NATS


def test_a_scoring_stores_how_it_computed_and_how_near_it_came(trained: tuple[Student, Any], tmp_path: Path) -> None:
    """What `srt score` and the Score page say: in packs, and the largest difference in nats."""
    with create_empty(tmp_path / "p.srt") as store:
        import_rows(store, rows_with_candidates(2), column_map=COLUMN_MAP)
        last = walk(score(store, trained[0], load_template("alpaca")))[-1]
        stored = store.value("SELECT batching FROM scoring")
    assert stored == f"In packs. {trained[0].identity.agreement}"
    assert last.message == stored


@pytest.mark.real
def test_a_student_that_people_have_is_packed_and_near_float64(small_student: Path) -> None:
    """SmolLM2-135M-Instruct, sure of what repeats itself: packs, no further from float64 than its own forward."""
    identity = load_student(small_student, device="cpu", dtype="float32").identity
    assert (identity.batching, identity.batching_reason) == (Batching.PACKED, "")
    assert identity.agreement.endswith("nats of float64.")
