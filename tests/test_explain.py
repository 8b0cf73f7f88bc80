"""Maps of token losses against the scores they explain, on tiny real students loaded through from_pretrained."""

import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from srt_core.errors import StudentError
from srt_core.importing.run import import_file
from srt_core.project.store import Row, Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions
from srt_core.score.explain import explain
from srt_core.score.ifd import Convention
from srt_core.score.run import score
from srt_core.score.student import Student, load_student
from srt_core.score.templates import Template, load_template
from srt_core.score.token_maps import MapStatus, MapSubject, Part, TokenMap, TokenSpan, stored_maps
from tests.empty_project import create_empty
from tests.small_project import save_student, write_lines
from tests.tiny_students import byte_tokenizer, save, tiny_gpt2, tiny_llama

ALPACA = load_template("alpaca")
ODD_TEXTS = [
    {"instruction": "Name three colours.", "input": "", "output": "Red, green and blue."},
    {"instruction": "Sage «été» \U0001f642", "input": "日本語", "output": "\U0001f469‍\U0001f52c!\r\n\tна \x00 end "},
    {"instruction": "Write <s> and </s>.", "input": "a\n\nb", "output": "<script>alert(1)</script> <s>"},
    {"instruction": "The same text.", "input": "", "output": "The same text."},
    {"instruction": "ab", "input": "c", "output": "x"},
]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_student(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def llama(llama_folder: Path) -> Student:
    """A student whose tokenizer puts BOS in front."""
    return load_student(llama_folder, device="cpu")


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Student:
    """A student whose tokenizer has no BOS."""
    tokenizer = byte_tokenizer(has_bos=False)
    folder = save(tmp_path_factory.mktemp("gpt2"), tiny_gpt2(len(tokenizer)), tokenizer)
    return load_student(folder, device="cpu")


Scored = Callable[..., Store]


@pytest.fixture
def scored(tmp_path: Path) -> Iterator[Scored]:
    """A function (student, rows, **how) -> the store of a new project with these originals, scored."""
    stores: list[Store] = []

    def make(student: Student, rows: list[dict[str, str]], template: Template = ALPACA, **how: object) -> Store:
        store = create_empty(tmp_path / f"{len(stores)}.srt")
        stores.append(store)
        data = write_lines(tmp_path / f"{len(stores)}.jsonl", rows)
        for _ in import_file(store, data):
            pass
        for _ in score(store, student, template, **how):  # type: ignore[arg-type]
            pass
        return store

    yield make
    for store in stores:
        store.close()


def score_rows(store: Store) -> list[Row]:
    return store.rows("SELECT * FROM score WHERE scoring_id = (SELECT max(scoring_id) FROM scoring) ORDER BY ALL")


def assert_means_are_the_scores(maps: dict[Part, TokenMap], row: Row) -> None:
    """Compare with the kept losses to 1e-6 of their size."""
    for part, context in ((Part.RESPONSE, "y_given_x"), (Part.INSTRUCTION, "x_given_y")):
        found = maps[part]
        if found.status is MapStatus.NO_TARGET:
            assert row[f"loss_{part}"] is None
            continue
        assert found.mean_alone == pytest.approx(row[f"loss_{part}"], rel=1e-6)
        assert found.mean_given == pytest.approx(row[f"loss_{context}"], rel=1e-6)
        assert found.tokens_alone == row[f"tokens_{part}"]


def assert_pieces_are_whole(found: TokenMap) -> None:
    """Pieces follow each other without overlap, none empty, within the text."""
    ends = [0, *itertools.chain.from_iterable((piece.begin, piece.end) for piece in found.spans), len(found.text)]
    assert ends == sorted(ends)
    assert all(piece.begin < piece.end for piece in found.spans)


def sum_given(found: TokenMap) -> float:
    """Add up the losses of all pieces given the context, in nats."""
    return math.fsum(piece.given or 0.0 for piece in found.spans)


@pytest.mark.parametrize("convention", list(Convention))
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_the_mean_of_a_map_is_the_kept_loss(
    name: str, convention: Convention, scored: Scored, request: pytest.FixtureRequest
) -> None:
    """Under both conventions, with and without BOS: a map's means are its score's losses, and its pieces add up."""
    student = request.getfixturevalue(name)
    store = scored(student, ODD_TEXTS, convention=convention, max_length=10_000)
    for row in score_rows(store):
        maps = explain(store, student, MapSubject("score", row["candidate_id"]))
        assert_means_are_the_scores(maps, row)
        for found in maps.values():
            assert_pieces_are_whole(found)
            if found.status is MapStatus.OK:
                assert found.spans[-1].end == len(found.text)
                assert sum_given(found) == pytest.approx((found.mean_given or 0) * found.tokens_given, rel=1e-9)


def test_aligned_pieces_spell_the_whole_text(llama: Student, scored: Scored) -> None:
    """Under `aligned` every character of a text is in a piece, every piece has both losses, and both add up."""
    store = scored(llama, ODD_TEXTS)
    for row in score_rows(store):
        for found in explain(store, llama, MapSubject("score", row["candidate_id"])).values():
            assert "".join(found.text[piece.begin : piece.end] for piece in found.spans) == found.text
            assert len(found.compared) == len(found.spans)
            sum_alone = math.fsum(piece.alone or 0.0 for piece in found.spans)
            assert sum_alone == pytest.approx((found.mean_alone or 0) * found.tokens_alone, rel=1e-9)


def test_tokens_that_split_a_character_are_one_piece(llama: Student, scored: Scored) -> None:
    """A character of several byte tokens is one piece with the sum of their losses."""
    store = scored(llama, [{"instruction": "Smile.", "input": "", "output": "a\U0001f642b"}])
    found = explain(store, llama, MapSubject("score", 1))[Part.RESPONSE]
    assert [found.text[piece.begin : piece.end] for piece in found.spans] == ["a", "\U0001f642", "b"]
    assert found.tokens_given == 6
    assert sum_given(found) == pytest.approx((found.mean_given or 0) * 6, rel=1e-9)


def test_reference_without_bos_compares_equal_tokens_only(gpt2: Student, scored: Scored) -> None:
    """The first token of a text has no loss alone; every other piece is the same token in both losses."""
    store = scored(gpt2, [{"instruction": "Name a colour.", "input": "", "output": "Red, green."}], max_length=10_000,
                   convention=Convention.REFERENCE)  # fmt: skip
    found = explain(store, gpt2, MapSubject("score", 1))[Part.RESPONSE]
    assert (found.tokens_alone, found.tokens_given) == (len(found.spans) - 1, len(found.spans))
    assert [piece.alone is None for piece in found.spans] == [True] + [False] * (len(found.spans) - 1)
    assert len(found.compared) == len(found.spans) - 1


def test_reference_behind_a_space_leaves_the_merged_token_out(gpt2: Student, scored: Scored) -> None:
    """Where a prompt's last space joins the first token, that token has no loss given the context, and no gain."""
    spaced = Template("spaced", "{instruction} {input}: ", "{instruction}: ", "{response}?")
    rows = [{"instruction": "Name a colour", "input": "", "output": "three of them"}]
    store = scored(gpt2, rows, spaced, convention=Convention.REFERENCE)
    maps = explain(store, gpt2, MapSubject("score", 1))
    assert_means_are_the_scores(maps, score_rows(store)[0])
    first, *others = maps[Part.RESPONSE].spans
    assert (first.begin, first.given) == (0, None)
    assert len(others) == maps[Part.RESPONSE].tokens_given == len(maps[Part.RESPONSE].compared)


def word_piece_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer whose tokens at the start of a word are others than those that go on with it."""
    words = ["<s>", "<unk>", "say", "yes", "##say", "##yes"]
    pieces = Tokenizer(models.WordPiece({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    pieces.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    pieces.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    made = cast("Any", PreTrainedTokenizerFast)(tokenizer_object=pieces, bos_token="<s>", unk_token="<unk>")
    return cast("PreTrainedTokenizerFast", made)


def test_a_text_of_other_tokens_behind_its_context_is_not_compared(tmp_path: Path, scored: Scored) -> None:
    """Where no token of a text is the same alone and behind its context, its map says so, and keeps the means."""
    tokenizer = word_piece_tokenizer()
    student = load_student(save(tmp_path / "w", tiny_llama(len(tokenizer)), tokenizer), device="cpu")
    glued = Template("glued", "{instruction}{input}", "{instruction}", "{response}")
    rows = [{"instruction": "say", "input": "", "output": "yes"}]
    store = scored(student, rows, glued, convention=Convention.REFERENCE)
    maps = explain(store, student, MapSubject("score", 1))
    assert_means_are_the_scores(maps, score_rows(store)[0])
    assert [(each.status, each.spans) for each in maps.values()] == [(MapStatus.OTHER_TOKENS, ())] * 2


@pytest.mark.parametrize("convention", list(Convention))
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_a_cut_text_has_pieces_for_what_was_kept(
    name: str, convention: Convention, scored: Scored, request: pytest.FixtureRequest
) -> None:
    """A map of a truncated text says so, ends before the text does, and still has the score's means."""
    student = request.getfixturevalue(name)
    rows = [{"instruction": "Name three colours.", "input": "", "output": "Red, green and blue \U0001f642. " * 40}]
    store = scored(student, rows, convention=convention, max_length=200)
    maps = explain(store, student, MapSubject("score", 1))
    assert_means_are_the_scores(maps, score_rows(store)[0])
    found = maps[Part.RESPONSE]
    assert found.status is MapStatus.TRUNCATED
    assert 0 < found.spans[-1].end < len(found.text)
    assert_pieces_are_whole(found)


def test_a_text_without_tokens_has_a_status(llama: Student, scored: Scored) -> None:
    """An instruction that the response leaves no room for has no map, and says why; the response's map is there."""
    store = scored(llama, [{"instruction": "Say it.", "input": "", "output": "red " * 400}], max_length=200)
    maps = explain(store, llama, MapSubject("score", 1))
    assert maps[Part.INSTRUCTION] == TokenMap(Part.INSTRUCTION, "Say it.", MapStatus.NO_TARGET)
    assert maps[Part.RESPONSE].spans
    assert stored_maps(store, MapSubject("score", 1)) == maps


def test_kept_maps_are_read_without_a_student(llama: Student, scored: Scored) -> None:
    """What was computed is read back the same, per scoring; before that there is nothing."""
    store = scored(llama, ODD_TEXTS[:2])
    subject = MapSubject("score", 2)
    assert stored_maps(store, subject) == {}
    maps = explain(store, llama, subject)
    assert list(maps) == [Part.RESPONSE, Part.INSTRUCTION]
    assert stored_maps(store, subject) == maps == explain(store, llama, subject)
    for _ in score(store, llama, load_template("vicuna")):
        pass
    assert stored_maps(store, subject) == {}


def test_a_chat_template_is_filled_as_it_was_when_scored(tmp_path: Path, scored: Scored) -> None:
    """A scoring in the tokenizer's own chat template is explained in it."""
    tokenizer = byte_tokenizer(has_bos=True)
    tokenizer.chat_template = "<s>{% for message in messages %}[{{ message.content }}]{% endfor %}:"
    student = load_student(save(tmp_path / "chat", tiny_llama(len(tokenizer)), tokenizer), device="cpu")
    store = scored(student, ODD_TEXTS[:1], load_template("chat"))
    assert_means_are_the_scores(explain(store, student, MapSubject("score", 1)), score_rows(store)[0])


def test_an_edit_is_explained_as_its_own_text(llama: Student, scored: Scored) -> None:
    """The subject of an edit is its event: the map is of the edited response, its means those of the edit's score."""
    store = scored(llama, ODD_TEXTS[:1])
    (sample,) = (row["sample_id"] for row in store.rows("SELECT sample_id FROM sample"))
    edited = Pair("Name three colours.", "Red, green, or blue.")
    event = decisions.decide(
        store, Decision(sample, Action.EDIT, "ann", Origin.ORIGINAL, edited), expected_event_id=None
    )
    for _ in score(store, llama, ALPACA):
        pass
    maps = explain(store, llama, MapSubject("edit_score", event))
    assert maps[Part.RESPONSE].text == "Red, green, or blue."
    assert_means_are_the_scores(maps, store.rows("SELECT * FROM edit_score")[0])


def test_another_student_is_refused_by_name(llama: Student, gpt2: Student, scored: Scored) -> None:
    """A student that did not make the scores in use explains none of them: the error says which one is needed."""
    store = scored(llama, ODD_TEXTS[:1])
    with pytest.raises(StudentError, match="is another one") as caught:
        explain(store, gpt2, MapSubject("score", 1))
    assert llama.name in caught.value.message
    assert stored_maps(store, MapSubject("score", 1)) == {}


def test_nothing_is_explained_before_it_is_scored(llama: Student, tmp_path: Path) -> None:
    """Without a scoring in use there is nothing to explain, in words."""
    with create_empty(tmp_path / "p.srt") as store:
        assert stored_maps(store, MapSubject("score", 1)) == {}
        with pytest.raises(StudentError, match="Nothing was scored"):
            explain(store, llama, MapSubject("score", 1))


def test_a_tokenizer_that_cannot_spell_is_refused(llama_folder: Path, scored: Scored) -> None:
    """A tokenizer that does not say which characters its tokens spell gives no map and an error in words."""

    class Mute(PreTrainedTokenizerFast):
        """A real tokenizer, of those that are written in Python as far as it says."""

        is_fast = property(lambda self: False)

    tokenizer = cast("PreTrainedTokenizerFast", Mute.from_pretrained(llama_folder))
    student = Student(tiny_llama(len(tokenizer)), tokenizer, "mute")
    store = scored(student, ODD_TEXTS[:1])
    with pytest.raises(StudentError, match="does not say which characters"):
        explain(store, student, MapSubject("score", 1))


def test_a_gain_is_what_the_context_takes_off() -> None:
    """A piece that loses 2 nats has a gain of 2; a share counts only pieces with both losses, and ties are no gain."""
    pieces = (
        TokenSpan(0, 1, 3.0, 1.0),
        TokenSpan(1, 2, 1.0, 1.5),
        TokenSpan(2, 3, None, 4.0),
        TokenSpan(3, 4, 1.0, 1.0),
    )
    found = TokenMap(Part.RESPONSE, "abcd", MapStatus.OK, pieces, 5 / 3, 7.5 / 4, 3, 4)
    assert [piece.gain for piece in pieces] == [2.0, -0.5, None, 0.0]
    assert found.easier_share == 1 / 3
    assert TokenMap(Part.RESPONSE, "", MapStatus.NO_TARGET).easier_share is None
