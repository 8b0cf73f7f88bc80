"""Vectors: computed once, kept under their encoding, never compared with another's; drift and neighbours follow."""

import random
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from srt_core.errors import ProjectError, StudentError
from srt_core.importing.run import import_file
from srt_core.importing.undo import undo_import
from srt_core.project.store import Row, Store
from srt_core.score.student import load_student
from srt_core.score.student.encoding import StudentEncoder
from srt_core.score.student.sentences import SentenceEncoder
from srt_core.select.derive import refresh
from srt_core.vectors.encodings import Recipe, encoding_in_use, use_encoding
from srt_core.vectors.fitting import open_tfidf
from srt_core.vectors.keeping import encode
from srt_core.vectors.nearest import nearest
from tests.command_line import DONE, called, refused
from tests.empty_project import create_empty
from tests.killing import worker
from tests.small_project import COLUMN_MAP, alpaca_rows, rows_with_candidates, write_lines
from tests.tiny_students import byte_tokenizer, save, tiny_llama

SAMPLES = 30
VECTORS = "SELECT candidate_id, text_hash, vector, status FROM vector WHERE encoding_id = ? ORDER BY candidate_id"


class Letters:
    """An encoder that anybody can check by hand: how often each of three letters is in the text."""

    def __init__(self, letters: str = "aei") -> None:
        self.name = self.fingerprint = f"letters {letters}"
        self.dimensions = len(letters)
        self.state: bytes | None = None
        self.seen: list[str] = []
        self._letters = letters

    def encode(self, texts: Sequence[str]) -> Sequence[Sequence[float] | None]:
        self.seen += texts
        counts = [[float(text.count(letter)) for letter in self._letters] for text in texts]
        return [each if any(each) else None for each in counts]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Four versions each of some samples; two originals are equal."""
    rows = rows_with_candidates(SAMPLES)
    rows.append({**rows[0], "Better Response": "Another answer."})
    with create_empty(tmp_path / "p.srt") as store:
        for _ in import_file(store, write_lines(tmp_path / "p.jsonl", rows), column_map=COLUMN_MAP):
            pass
    return tmp_path / "p.srt"


def kept(store: Store) -> list[Row]:
    return store.rows(VECTORS, [store.encoding_id()])


def run_through(steps: object) -> None:
    for _ in steps:  # type: ignore[attr-defined]
        pass


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return float(np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other))


def test_each_text_is_encoded_once(project: Path) -> None:
    """Every version has a row, equal texts are asked for once, and what has a row is not computed again."""
    letters = Letters()
    with Store.open(project) as store:
        run_through(encode(store, letters, whole=False))
        originals = store.rows("SELECT instruction, input, response FROM candidate WHERE origin = 'ORIGINAL'")
        texts = ["\n".join(row.values()) for row in originals]
        assert len(texts) == SAMPLES + 1
        assert sorted(letters.seen) == sorted(set(texts))
        run_through(encode(store, letters))
        every = store.rows("SELECT instruction, input, response FROM candidate")
        assert sorted(letters.seen) == sorted({"\n".join(row.values()) for row in every})
        assert len(kept(store)) == len(every)
        before = list(letters.seen)
        run_through(encode(store, letters))
        assert letters.seen == before


def test_a_recipe_says_which_text_is_read(project: Path) -> None:
    """A prompt is instruction and input alone, under an encoding of its own."""
    letters = Letters()
    with Store.open(project) as store:
        run_through(encode(store, letters, Recipe.PROMPT, whole=False))
        asked = store.rows("SELECT instruction, input FROM candidate WHERE origin = 'ORIGINAL'")
        assert set(letters.seen) == {"\n".join(row.values()) for row in asked}
        first = store.encoding_id()
        run_through(encode(store, letters, Recipe.PAIR, whole=False))
        assert store.encoding_id() != first


def test_a_text_without_a_vector_is_a_row_with_a_status(project: Path) -> None:
    """Its vector and its drift are NULL, it counts as failed, and it is nobody's neighbour."""
    letters = Letters("xzq")
    with Store.open(project) as store:
        *_, last = encode(store, letters)
        rows = kept(store)
        undefined = [row for row in rows if row["vector"] is None]
        assert undefined
        assert {row["status"] for row in undefined} == {"undefined"}
        assert last.failed == len(undefined)
        drifts = store.rows(
            """SELECT value, measurement.status FROM measurement JOIN vector ON vector.candidate_id = subject_id
               WHERE measure = 'semantic_drift' AND vector.vector IS NULL"""
        )
        assert {(row["value"], row["status"]) for row in drifts} == {(None, "undefined")}
        name = store.value(
            """SELECT sample_id FROM candidate JOIN vector USING (candidate_id)
               WHERE origin = 'ORIGINAL' AND vector IS NULL"""
        )
        with pytest.raises(ProjectError, match="has no vector"):
            nearest(store, name)


def test_semantic_drift_is_the_distance_to_the_original(project: Path) -> None:
    """1 - cosine, worked out apart, for every rewrite, in the panel under the encoding in use alone."""
    with Store.open(project) as store:
        columns = ["response_semantic_drift", "instruction_semantic_drift", "both_semantic_drift"]
        found = []
        for letters in (Letters("aei"), Letters("ort")):
            run_through(encode(store, letters))
            refresh(store)
            panel = {row["sample_id"]: row for row in store.rows("FROM panel")}
            texts = store.rows("SELECT sample_id, origin, instruction, input, response FROM candidate")
            vectors = {
                (row["sample_id"], row["origin"]): letters.encode(["\n".join(list(row.values())[2:])])[0]
                for row in texts
            }
            for (name, origin), vector in vectors.items():
                if origin == "ORIGINAL":
                    continue
                original = vectors[name, "ORIGINAL"]
                expected = 1 - cosine(original, vector) if original and vector else None
                assert panel[name][f"{origin.lower()}_semantic_drift"] == pytest.approx(expected, abs=1e-6)
            found.append([[row[column] for column in columns] for row in panel.values()])
        assert found[0] != found[1]
        use_encoding(store, store.encoding_id() - 1)
        refresh(store)
        again = [[row[column] for column in columns] for row in store.rows("FROM panel")]
        assert sorted(map(str, again)) == sorted(map(str, found[0]))
        with pytest.raises(ProjectError, match="no encoding 77"):
            use_encoding(store, 77)


def test_neighbours_are_those_of_plain_numpy(project: Path) -> None:
    """The nearest originals in their order, without the sample itself; an equal text is nearest of all."""
    with Store.open(project) as store:
        run_through(encode(store, open_tfidf(store, Recipe.PAIR)))
        rows = store.rows(
            """SELECT sample_id, seq, vector
               FROM vector JOIN candidate USING (candidate_id) JOIN sample USING (sample_id)
               WHERE origin = 'ORIGINAL' AND vector IS NOT NULL ORDER BY seq"""
        )
        first = rows[0]
        others = sorted(((cosine(first["vector"], row["vector"]), -row["seq"]) for row in rows[1:]), reverse=True)
        found = nearest(store, first["sample_id"], 5)
        assert [each.similarity for each in found] == pytest.approx([each for each, _ in others[:5]], abs=1e-6)
        assert found[0].seq == SAMPLES + 1
        assert found[0].similarity == pytest.approx(1)
    listed = called("similar", project, "1", "--most", "3")
    assert [line.split()[:2] for line in listed.stdout.splitlines()] == [
        [str(each.seq), f"{each.similarity:.3f}"] for each in found[:3]
    ]
    assert "There is no sample 999" in refused(called("similar", project, "999"))


def test_an_encoder_of_words_stays_as_it_was_fitted(project: Path, tmp_path: Path) -> None:
    """Samples that come later are encoded by the model that the others had, so that all stay comparable."""
    with Store.open(project) as store:
        fitted = open_tfidf(store, Recipe.PAIR)
        run_through(encode(store, fitted))
        before = kept(store)
        rows = [{**row, "instruction": row["instruction"] + " Once more."} for row in alpaca_rows(3)]
        run_through(import_file(store, write_lines(tmp_path / "more.jsonl", rows)))
        again = open_tfidf(store, Recipe.PAIR)
        assert again.fingerprint == fitted.fingerprint
        run_through(encode(store, again))
        assert kept(store)[: len(before)] == before
        assert len(kept(store)) == len(before) + 3


def test_vectors_go_with_their_samples(project: Path) -> None:
    """An import that is taken back takes its vectors along, and the check of the file finds nothing."""
    with Store.open(project) as store:
        run_through(encode(store, Letters()))
        undo_import(store, 1, "ann")
        assert store.value("SELECT count(*) FROM vector") == 0
    assert called("check", project).returncode == DONE


@pytest.fixture(scope="module")
def student_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = byte_tokenizer(has_bos=True)
    return save(tmp_path_factory.mktemp("student"), tiny_llama(len(tokenizer)), tokenizer)


def test_a_students_vectors_are_the_mean_of_its_hidden_states(student_folder: Path) -> None:
    """By transformers alone: the last hidden states of the text's own tokens; none for an empty text."""
    student = load_student(student_folder)
    encoder = StudentEncoder(student)
    texts = ["A spider has eight legs.", "", "Red, green and blue. " * 40, "cat"]
    found = encoder.encode(texts)
    assert found[1] is None
    model = tiny_llama(len(byte_tokenizer(has_bos=True)))
    for text, vector in zip(texts, found, strict=True):
        if vector is None:
            continue
        ids = byte_tokenizer(has_bos=True)(text)["input_ids"][:512]
        with torch.no_grad():
            states = model(torch.tensor([ids]), output_hidden_states=True).hidden_states[-1][0, 1:]
        assert vector == pytest.approx(states.mean(0).tolist(), abs=1e-5)
    assert encoder.dimensions == 32


def test_a_sentence_models_vectors_do_not_see_the_padding(tmp_path: Path) -> None:
    """By transformers alone, each text by itself: the mean over its tokens, of unit length."""
    torch.manual_seed(3)
    tokenizer = byte_tokenizer(has_bos=True)
    tokenizer.pad_token = "</s>"
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=256,
    )  # fmt: skip
    model = BertModel(config).train(False)
    save(tmp_path / "bert", model, tokenizer)
    texts = ["A spider.", "Red, green and blue are three of them. " * 3, "Name three colours"]
    found = SentenceEncoder(str(tmp_path / "bert")).encode(texts)
    for text, vector in zip(texts, found, strict=True):
        with torch.no_grad():
            mean = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0)
        assert vector == pytest.approx((mean / mean.norm()).tolist(), abs=1e-5)


def test_a_model_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    """A folder without a model is refused with what to do, on the command line too."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudentError):
        SentenceEncoder(str(tmp_path / "empty"))


def test_encode_on_the_command_line(project: Path, student_folder: Path) -> None:
    """`srt encode` computes what is missing and lists the encodings, the one in use marked; bad words are sentences."""
    done = called("encode", project, "--encoder", "tfidf")
    assert done.returncode == DONE, done
    assert "* tfidf, pair: " in done.stdout
    done = called("encode", project, "--model", student_folder, "--recipe", "prompt", "--originals")
    assert f"* {student_folder}, prompt: {SAMPLES + 1} vectors of 32 numbers" in done.stdout
    assert "  tfidf, pair: " in done.stdout
    assert "Give --model" in refused(called("encode", project))
    assert "There is no encoder 'nobody'." in refused(called("encode", project, "--encoder", "nobody"))
    with Store.open(project) as store:
        found = encoding_in_use(store)
    assert found is not None
    assert found.recipe is Recipe.PROMPT


NEEDS = """
from pathlib import Path
from srt_core.project.store import Store
import srt_core.vectors.keeping as keeping
from srt_core.vectors.fitting import open_tfidf
from srt_core.vectors.encodings import Recipe
keeping.CHUNK = 5
"""
WORK = """
with Store.open(Path(sys.argv[1])) as store:
    for progress in keeping.encode(store, open_tfidf(store, Recipe.PAIR)):
        if progress.done:
            print(progress.done, flush=True)
"""


def test_a_killed_run_goes_on(project: Path, tmp_path: Path) -> None:
    """`kill -9` three times at any moment, then the same step: equal to an undisturbed run, everything once."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    whole = tmp_path / "whole.srt"
    whole.write_bytes(project.read_bytes())
    with worker(NEEDS, WORK, project) as work:
        kills = [work.end_at(chance.randrange(1, 3), chance.uniform(0, 0.02)) for _ in range(3)]
    assert kills == [-signal.SIGKILL] * 3, seed
    held = []
    for path in (whole, project):
        with Store.open(path) as store:
            before = len(kept(store))
            run_through(encode(store, open_tfidf(store, Recipe.PAIR)))
            held.append((kept(store), store.rows("SELECT * EXCLUDE made_at FROM measurement ORDER BY ALL")))
    assert 0 < before < len(held[0][0]), seed
    assert held[0] == held[1], seed
