"""Withdrawal from a student: the numbers of METHODS, and an adapter that leaves the student itself as it is."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from srt_core.export.export import export
from srt_core.methods import METHODS
from srt_core.methods.unlearning import Weights, capped, divergence, fuse, gram, withdrawal_loss
from srt_core.project.store import Store
from srt_core.score.student import load_model, load_tokens
from srt_core.train.exports import TextPair
from srt_core.train.tokens import TokenPair, make_tokens
from srt_core.train.unlearner import Recipe, Unlearner
from srt_core.train.unlearning import unlearnings
from srt_core.train.withdrawn import Parts
from tests.command_line import DONE, ENVIRONMENT, called, refused
from tests.context_project import sample_ids
from tests.small_project import save_student
from tests.test_retract import kept_project
from tests.tiny_students import byte_tokenizer, save, tiny_gpt2

EXACT = 1e-6
FUSION: dict[str, Any] = {
    "X": [[[1, 0, 1], [0, 1, 1], [1, 1, 0], [2, 0, 1]], [[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 1], [0, 2, 1]]],
    "W": [[[1, 0], [0, 1], [1, 1]], [[0, 1], [1, 0], [0, 2]]],
    "fused": [[0.80952381, 0.19047619], [0.476190476, 0.523809524], [0.642857143, 1.357142857]],
    "ridge": [[0.809450121, 0.190621231], [0.476172334, 0.523899018], [0.642811228, 1.356760374]],
}


def test_the_loss_is_that_of_the_paper() -> None:
    """Divergence and loss of a kept and a forgotten answer, computed elsewhere; a cap not reached is no change."""
    kept = divergence([0.7, 0.2, 0.1], [0.6, 0.3, 0.1])
    forgotten = divergence([0.8, 0.1, 0.1], [0.2, 0.4, 0.4])
    assert [kept, forgotten] == pytest.approx([0.026812454, 0.831776617], abs=EXACT)
    assert divergence([0.5, 0.5], [1.0, 0.0]) == float("inf") and divergence([0.0, 1.0], [0.5, 0.5]) > 0
    losses = (0.510825624, 1.609437912, 0.223143551)
    for cap in (2.0, None):
        found = withdrawal_loss(kept, forgotten, *losses, Weights(cap=cap))
        assert found == pytest.approx(-0.621388612, abs=EXACT)
    near = withdrawal_loss(kept, forgotten, 0.0, 0.0, 0.0, Weights(gamma=0.0, cap=None))
    assert near == pytest.approx(-0.810326653, abs=EXACT)


def test_a_cap_drives_no_further() -> None:
    """Above the cap a term is the cap and has no gradient; below it is itself, with its own."""
    value = torch.tensor([0.5, 1.9, 2.5], requires_grad=True)
    found = capped(value, 2.0)
    found.sum().backward()
    assert found.tolist() == pytest.approx([0.5, 1.9, 2.0])
    assert value.grad is not None and value.grad.tolist() == [1.0, 1.0, 0.0]
    assert capped(7.5, None) == 7.5


def test_layers_are_fused_by_their_gram_matrices() -> None:
    """As least squares over all rows, better than the mean of weights; singular ones are refused without a ridge."""
    grams = [gram(each) for each in FUSION["X"]]
    found = fuse(grams, FUSION["W"])
    assert found == pytest.approx(np.array(FUSION["fused"]), abs=EXACT)
    assert fuse(grams, FUSION["W"], ridge=1e-3) == pytest.approx(np.array(FUSION["ridge"]), abs=EXACT)
    rows = [np.array(each, dtype=float) for each in FUSION["X"]]
    outputs = [each @ np.array(weights) for each, weights in zip(rows, FUSION["W"], strict=True)]
    least = np.linalg.lstsq(np.concatenate(rows), np.concatenate(outputs), rcond=None)[0]
    assert found == pytest.approx(least, abs=1e-12)

    def error(weights: Any) -> float:
        return float(sum(((x @ weights - y) ** 2).sum() for x, y in zip(rows, outputs, strict=True)))

    mean = np.mean(np.array(FUSION["W"], dtype=float), axis=0)
    assert [error(found), error(mean)] == pytest.approx([6.619047619, 9.0], abs=EXACT)
    with pytest.raises(ValueError, match="singular"):
        fuse([gram([[1, 2, 3], [2, 4, 6]])], [np.zeros((3, 2))])


WORDS = ("red", "spider", "rainbow", "sentence", "insect", "cat", "rain", "leg", "green", "eight", "blue", "dog",
         "tree", "house", "stone", "river")  # fmt: skip


def learnt_pairs() -> list[TextPair]:
    """Sixteen prompts, each with six words to answer."""
    draw = random.Random(0)
    return [
        TextPair(f"s{place}", f"Name {word} {WORDS[place * 5 % 16]}:", " " + " ".join(draw.choices(WORDS, k=6)))
        for place, word in enumerate(WORDS)
    ]


def taught(folder: Path, pairs: Sequence[TextPair], steps: int = 120) -> tuple[TokenPair, ...]:
    """Save a tiny GPT-2 that has learnt some of the pairs by heart; returns the tokens of all sixteen."""
    tokenizer = byte_tokenizer(has_bos=False)
    model: Any = tiny_gpt2(len(tokenizer))
    save(folder, model, tokenizer)
    tokens = load_tokens(folder)
    made = make_tokens(pairs, tokens, "", 128).pairs
    longest = max(len(each.ids) for each in made)
    ids, labels = torch.zeros((len(made), longest), dtype=torch.long), torch.full((len(made), longest), -100)
    for place, each in enumerate(made):
        ids[place, : len(each.ids)] = torch.tensor(each.ids)
        labels[place, each.start : len(each.ids)] = torch.tensor(each.ids[each.start :])
    model.eval()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.0)
    for _ in range(steps):
        loss = model(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    save(folder, model, tokenizer)
    return make_tokens(learnt_pairs(), tokens, "", 128).pairs


@pytest.mark.thorough
def test_forgotten_pairs_are_forgotten_and_kept_ones_kept(tmp_path: Path) -> None:
    """Of sixteen pairs learnt by heart two are withdrawn: like a retrained student there, and the others stay."""
    torch.set_num_threads(1)
    pairs = learnt_pairs()
    made = taught(tmp_path / "all", pairs)
    taught(tmp_path / "without", pairs[2:])
    forgotten, kept = made[:2], made[2:]
    retrained = Unlearner(str(tmp_path / "without"), Recipe(), "cpu")
    model = Unlearner(str(tmp_path / "all"), Recipe(learning_rate=1e-2), "cpu")
    before, stays = (list(model.losses(side, adapted=False)) for side in (forgotten, kept))
    assert max(*before, *stays) < 0.1 and min(retrained.losses(forgotten, adapted=False)) > 1
    assert list(model.losses(forgotten, adapted=True)) == pytest.approx(before, abs=1e-5), "at first it is no change"
    logits = model.first_logits(forgotten)
    for _ in model.train(kept, forgotten, Weights(), tmp_path):
        pass
    model.check(forgotten, logits)
    after = list(model.losses(forgotten, adapted=True))
    assert all(now - was > 1 for now, was in zip(after, before, strict=True))
    assert max(after) < 4, "the cap: not as bad as can be"
    changes = [abs(now - was) for now, was in zip(model.losses(kept, adapted=True), stays, strict=True)]
    assert sum(changes) / len(changes) < 0.2
    uncapped = Unlearner(str(tmp_path / "all"), Recipe(learning_rate=1e-2), "cpu")
    (tmp_path / "uncapped").mkdir()
    for _ in uncapped.train(kept, forgotten, Weights(cap=None), tmp_path / "uncapped"):
        pass
    assert min(uncapped.losses(forgotten, adapted=True)) > max(after), "without a cap nothing stops it"


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random GPT-2 and a random Llama, each by itself."""
    folder = tmp_path_factory.mktemp("students")
    tokenizer = byte_tokenizer(has_bos=False)
    save(folder / "gpt2", tiny_gpt2(len(tokenizer)), tokenizer)
    save_student(folder / "llama")
    return folder


def test_an_adapter_leaves_the_student_as_it_is(tmp_path: Path, students: Path) -> None:
    """Two steps by the command: losses of both parts and of a reference are kept; the student's files are the same."""
    path, student = tmp_path / "p.srt", students / "gpt2"
    asked = ("unlearn", path, "--student", student, "--steps", 2, "--out", tmp_path / "adapter")
    with kept_project(path) as store:
        export(store, tmp_path / "out", ["alpaca"], by="Ann")
        name = sample_ids(store)[0]
    assert "student of no run" in refused(called(*asked))
    assert "No student is named" in refused(called("unlearn", path, "--out", tmp_path / "x"))
    called("retract", path, name, "--reason", "They asked.", "--files", tmp_path / "files")
    files = ("--files", tmp_path / "files" / "export-1")
    assert "No folder is given" in refused(called(*asked[:6], *files))
    assert "has no file keep.jsonl" in refused(called(*asked, "--files", tmp_path))
    before = {each.name: each.read_bytes() for each in student.iterdir()}
    assert "another tokenizer" in refused(called(*asked, *files, "--reference", students / "llama"))
    done = called(*asked, *files, "--reference", student, "--learning-rate", 0.05)
    assert done.returncode == DONE, done.stderr
    assert "nothing is erased" in done.stdout and "deleted" not in done.stdout
    assert {each.name: each.read_bytes() for each in student.iterdir()} == before
    with Store.open(path) as store:
        (found,) = unlearnings(store)
    assert (found.forgotten, found.kept, found.measured, found.steps, found.run_id) == (1, 4, 4, 2, None)
    assert found.forgotten_after != found.forgotten_before and found.kept_after != found.kept_before
    assert (found.forgotten_reference, found.kept_reference) == (found.forgotten_before, found.kept_before)
    figures = json.loads((tmp_path / "adapter" / "figures.json").read_text("utf-8"))
    assert figures["nats a token"]["before"] == [found.forgotten_before, found.kept_before]
    merged, _ = load_model(tmp_path / "adapter", device="cpu", dtype="float32")
    forget = json.loads((tmp_path / "adapter" / "forget.jsonl").read_text("utf-8"))
    tokens = make_tokens([TextPair(**forget)], load_tokens(student), "alpaca", 256).pairs[0]
    ids = torch.tensor([tokens.ids])
    labels = torch.tensor([[-100] * tokens.start + list(tokens.ids[tokens.start :])])
    with torch.no_grad():
        loss = float(merged(input_ids=ids, labels=labels).loss)
    assert loss == pytest.approx(found.forgotten_after, abs=1e-4), "the folder is read as a student like any adapter"
    assert "already, and not of this withdrawal" in refused(called(*asked, *files, "--seed", 5))
    again = called("unlearn", path, "--student", tmp_path / "adapter", "--out", tmp_path / "more", *files)
    assert "is itself an adapter" in refused(again)


def test_nothing_to_forget_is_said(tmp_path: Path, students: Path) -> None:
    """Without a retracted pair, or with nothing left to keep, no adapter is made."""
    kept_project(tmp_path / "p.srt").close()
    pairs = tuple(learnt_pairs())
    for parts, said in ((Parts(pairs, ()), "is retracted"), (Parts((), pairs), "Nothing would be kept")):
        parts.write(tmp_path / "files")
        made = called("unlearn", tmp_path / "p.srt", "--student", students / "llama", "--out", tmp_path / "adapter",
                      "--files", tmp_path / "files")  # fmt: skip
        assert said in refused(made)
    assert not (tmp_path / "adapter").exists()


@pytest.mark.thorough
def test_a_killed_withdrawal_goes_on(tmp_path: Path, students: Path) -> None:
    """After `kill -9` the same command ends with the adapter that an undisturbed one makes, bit for bit."""
    path = tmp_path / "p.srt"
    kept_project(path).close()
    pairs = tuple(learnt_pairs())
    Parts(pairs[2:], pairs[:2]).write(tmp_path / "files")

    def asked(out: Path) -> list[str]:
        given = ["unlearn", path, "--student", students / "llama", "--files", tmp_path / "files", "--steps", 200]
        return list(map(str, [*given, "--out", out]))

    process = subprocess.Popen([sys.executable, "-m", "srt_core", *asked(tmp_path / "killed")], env=ENVIRONMENT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    while not (tmp_path / "killed" / "state.pt").is_file():
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for out in ("killed", "whole"):
        assert called(*asked(tmp_path / out)).returncode == DONE
    with Store.open(path) as store:
        assert len(unlearnings(store)) == 2
    one, other = ((tmp_path / out / "adapter_model.safetensors").read_bytes() for out in ("killed", "whole"))
    assert one == other
    assert not (tmp_path / "killed" / "state.pt").exists()


def test_the_record_says_what_it_needs() -> None:
    """A method that chooses no samples has no policies, and says what it needs and how it is used."""
    method = METHODS["unlearning"]
    assert method.policies == () and method.needs and method.commands == ("retract", "unlearn")
