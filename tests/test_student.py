"""The student against a plain computation: hand-set logits, tiny random models, real pairs; and what it refuses."""

import json
import math
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertLMHeadModel, Gemma2Config, Gemma2ForCausalLM, PreTrainedTokenizerFast

from srt_core.errors import StudentError
from srt_core.records import CandidateLosses, Context, Loss, LossRequest, LossStatus, Pair, Role, Score, Turn
from srt_core.score.ifd import Convention, plan, score_of
from srt_core.score.student import Student, load_student
from srt_core.score.templates import Template, load_template
from tests.plain_scorer import PlainScorer
from tests.tiny_students import (
    TEXTS,
    bigram_llama,
    byte_tokenizer,
    save,
    tiny_gpt2,
    tiny_llama,
    word_tokenizer,
)

OK = LossStatus.OK

ODD_PAIRS = [
    Pair("Name three colours.", "Red, green and blue."),
    Pair("Translate the sentence.", "Le chat dort.", "The cat sleeps."),
    Pair("Name three colours.", ""),
    Pair("", "Red."),
    Pair("", "An answer to an input alone.", "Only an input"),
    Pair("?", "a"),
    Pair("sum", "sum", "the sum of the sum is sum"),
    Pair("Say it again. " * 12, "Again and again. " * 60),
    Pair("Say it again. " * 80, "No."),
    Pair("What is {input} in {instruction}?", "{response} and {input}", "{instruction}{"),
    Pair("Write <s> and </s>.", "<s>Here</s> </s>"),
    Pair("Sage «été» \U0001f642", "日本語\r\n\ttab\x00 end "),
    Pair(",", ": , ."),
]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama with a BOS tokenizer."""
    tokenizer = byte_tokenizer(has_bos=True)
    return save(tmp_path_factory.mktemp("llama"), tiny_llama(len(tokenizer), positions=256), tokenizer)


@pytest.fixture(scope="module")
def gpt2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random GPT-2 with a tokenizer that adds nothing."""
    tokenizer = byte_tokenizer(has_bos=False)
    return save(tmp_path_factory.mktemp("gpt2"), tiny_gpt2(len(tokenizer)), tokenizer)


@pytest.fixture(scope="module")
def llama(llama_folder: Path) -> Student:
    return load_student(llama_folder, device="cpu")


def scores(
    student: Student,
    pairs: Sequence[Pair],
    convention: Convention,
    *,
    template: Template | None = None,
    max_length: int = 10_000,
    token_budget: int = 4096,
) -> list[Score]:
    """Score pairs as the pipeline does, without a store."""
    limit = min(max_length, student.max_length_limit)
    plans = plan(pairs, template or load_template("alpaca"), convention, student, limit)
    slots = [slot for four in plans for slot in four.slots]
    requests = [slot for slot in slots if isinstance(slot, LossRequest)]
    answers = iter(
        [loss for _, loss in sorted(student.losses(requests, token_budget=token_budget), key=lambda x: x[0])]
    )
    losses = [next(answers) if isinstance(slot, LossRequest) else slot for slot in slots]
    return [score_of(CandidateLosses(*losses[at : at + 4])) for at in range(0, len(losses), 4)]


def assert_plain_agreement(
    student: Student, pairs: Sequence[Pair], convention: Convention, template: Template, *, max_length: int = 10_000
) -> list[Score]:
    """All four losses, their token counts and both ratios agree with the plain computation to 1e-5."""
    limit = min(max_length, student.max_length_limit)
    plain = PlainScorer(
        student._model,
        student._tokenizer,
        template.with_input,
        template.no_input,
        template.reverse_request,
        convention.value,
        limit,
    )
    found = scores(student, pairs, convention, template=template, max_length=max_length)
    for pair, score in zip(pairs, found, strict=True):
        expected = plain.score(pair.instruction, pair.input, pair.response)
        four = (score.losses.y, score.losses.y_given_x, score.losses.x, score.losses.x_given_y)
        assert tuple(loss.tokens for loss in four) == expected.tokens, pair
        means = [expected.y, expected.y_given_x, expected.x, expected.x_given_y, expected.ifd, expected.r_ifd]
        for number, wanted in zip([*(loss.mean for loss in four), score.ifd, score.r_ifd], means, strict=True):
            assert number == (wanted if wanted is None else pytest.approx(wanted, rel=1e-5)), pair
    return found


# Worked out on paper: after <s>: p(red) 1/2, p(blue) 1/4; after "colour:": p(red) 3/4; after "red": p(blue) 1/2.
WORDS = ["<s>", "colour:", "red", "blue", "which:"]
LOGITS = {
    "<s>": {"red": math.log(6), "blue": math.log(3)},  # 1 6 3 1 1 of 12
    "colour:": {"red": math.log(12)},  # 12 of 16
    "red": {"blue": math.log(4)},  # 4 of 8
    "blue": {"which:": math.log(16)},  # 16 of 20
    "which:": {"colour:": math.log(6)},  # 6 of 10
}
PAPER = Template("paper", "{instruction} {input} colour: ", "{instruction} colour: ", "{response} which:")


def test_losses_and_ratios_worked_out_on_paper(tmp_path: Path) -> None:
    """Logits set by hand: four losses and both ratios to 1e-6.

    The pair is x = "blue", y = "red blue"; the contexts are "<s> blue colour:" and "<s> red blue which: colour:".
    """
    student = load_student(save(tmp_path, bigram_llama(WORDS, LOGITS), word_tokenizer(WORDS)), device="cpu")
    for convention in Convention:
        (score,) = scores(student, [Pair("blue", "red blue")], convention, template=PAPER)
        losses = score.losses
        assert losses.y.mean == pytest.approx((math.log(2) + math.log(2)) / 2, abs=1e-6)
        assert losses.y_given_x.mean == pytest.approx((math.log(4 / 3) + math.log(2)) / 2, abs=1e-6)
        assert losses.x.mean == pytest.approx(math.log(4), abs=1e-6)
        assert losses.x_given_y.mean == pytest.approx(math.log(16), abs=1e-6)
        assert score.ifd == pytest.approx(math.sqrt(2 / 3), abs=1e-6)
        assert score.r_ifd == pytest.approx(4.0, abs=1e-6)
        assert (losses.y.tokens, losses.x.tokens, score.status) == (2, 1, OK)


def test_losses_behind_a_conversation_worked_out_on_paper(tmp_path: Path) -> None:
    """Behind "red which: colour: red": x alone follows "red", given y' it follows "colour:"; y alone follows <s>."""
    student = load_student(save(tmp_path, bigram_llama(WORDS, LOGITS), word_tokenizer(WORDS)), device="cpu")
    template = replace(PAPER, system="{system} ", user="{instruction} colour: ", assistant="{response} ")
    context = Context("red", (Turn(Role.USER, "which:"), Turn(Role.ASSISTANT, "red")))
    for convention in Convention:
        (score,) = scores(student, [Pair("blue", "red blue", context=context)], convention, template=template)
        losses = score.losses
        assert losses.y.mean == pytest.approx((math.log(2) + math.log(2)) / 2, abs=1e-6)
        assert losses.y_given_x.mean == pytest.approx((math.log(4 / 3) + math.log(2)) / 2, abs=1e-6)
        assert losses.x.mean == pytest.approx(math.log(2), abs=1e-6)
        assert losses.x_given_y.mean == pytest.approx(math.log(16), abs=1e-6)
        assert score.r_ifd == pytest.approx(8.0, abs=1e-6)


def test_token_losses_are_each_tokens_own(tmp_path: Path) -> None:
    """-log p of every target token, in order."""
    student = load_student(save(tmp_path, bigram_llama(WORDS, LOGITS), word_tokenizer(WORDS)), device="cpu")
    request = LossRequest((0, 3, 1, 2, 3), 3, OK)
    (nlls,) = student.token_losses([request])
    assert nlls == pytest.approx([math.log(4 / 3), math.log(2)], abs=1e-6)


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize("template", ["alpaca", "vicuna", "wizardlm", "plain"])
def test_odd_pairs_agree_with_the_plain_computation(llama: Student, convention: Convention, template: str) -> None:
    """Empty, one token, over-long, braces, special tokens, other scripts: every number and every missing one agrees."""
    found = assert_plain_agreement(llama, ODD_PAIRS, convention, load_template(template))
    seen = {loss.status for score in found for loss in (score.losses.y_given_x, score.losses.x_given_y)}
    assert seen == {OK, LossStatus.TRUNCATED, LossStatus.NO_TARGET}


@pytest.mark.parametrize("convention", Convention)
def test_a_student_without_bos_agrees_with_the_plain_computation(gpt2_folder: Path, convention: Convention) -> None:
    """GPT-2's kind of tokenizer and model: the same, with the end token in front (aligned) or nothing (reference)."""
    student = load_student(gpt2_folder, device="cpu")
    assert student.start_ids == (0,)
    assert_plain_agreement(student, ODD_PAIRS, convention, load_template("alpaca"))


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize("max_length", [1, 2, 60, 90, 140])
def test_any_max_length_agrees_with_the_plain_computation(
    llama: Student, convention: Convention, max_length: int
) -> None:
    """However much is cut away, what is left is scored over the same tokens."""
    assert_plain_agreement(llama, ODD_PAIRS, convention, load_template("alpaca"), max_length=max_length)


@pytest.mark.parametrize("convention", Convention)
def test_real_pairs_agree_with_the_plain_computation(shared_dir: Path, convention: Convention) -> None:
    """A real student on real pairs, short and long, with and without input."""
    student = load_student(shared_dir / "student", device="cpu")
    rows = json.loads((shared_dir / "data" / "expert_revisions.json").read_text("utf-8"))
    rows = random.Random(11).sample(rows, 30) + [row for row in rows if not row["Raw Instruction"]]
    pairs = [Pair(row["Raw Instruction"], row["Raw Response"], row["Raw Input"]) for row in rows]
    assert_plain_agreement(student, pairs, convention, load_template("alpaca"))


def test_buckets_change_nothing(llama: Student) -> None:
    """A budget of one request at a time and one of everything at once give the same losses to 1e-5."""
    alone, together = (scores(llama, ODD_PAIRS, Convention.ALIGNED, token_budget=budget) for budget in (64, 8192))
    for one, other in zip(alone, together, strict=True):
        assert one.status is other.status
        assert one.ifd == (None if other.ifd is None else pytest.approx(other.ifd, rel=1e-5))


def test_ragged_requests_agree_with_each_alone(llama: Student) -> None:
    """A text that begins another, equal ids with other starts, one-token targets: as if each came alone."""
    chosen = random.Random(3)
    requests = [LossRequest((0, 5, 6, 7), start, OK) for start in (1, 2, 3)] + [LossRequest((0, 5), 1, OK)]
    for length in chosen.choices(range(2, 90), k=40):
        ids = tuple(chosen.choices(range(2, 300), k=length))
        requests.append(LossRequest(ids, chosen.randrange(1, length), OK))
    together = dict(llama.losses(requests, token_budget=512))
    for index, request in enumerate(requests):
        (alone,) = (loss for _, loss in llama.losses([request]))
        assert together[index].mean == pytest.approx(alone.mean, rel=1e-5)
        assert together[index].tokens == len(request.ids) - request.start


def test_every_index_is_answered_once(llama: Student) -> None:
    """Equal requests all get the one number, each with its own status."""
    cut = LossStatus.TRUNCATED
    requests = [
        LossRequest((0, 9), 1, OK),
        LossRequest((0, 9, 8, 7), 1, OK),
        LossRequest((0, 9), 1, cut),
        LossRequest((0, 9), 1, OK),
    ]
    found = list(llama.losses(requests, token_budget=4))
    assert sorted(index for index, _ in found) == [0, 1, 2, 3]
    losses = dict(found)
    assert losses[0] == losses[3]
    assert losses[0].mean == losses[2].mean
    assert (losses[0].status, losses[2].status) == (OK, cut)


def test_nothing_asked_nothing_answered(llama: Student) -> None:
    """No requests and no texts are no error."""
    assert list(llama.losses([])) == []
    assert llama.encode([], special=True) == []


class Fussy(torch.nn.Module):
    """A token embedding that raises an error when asked for more than `limit` tokens at once, once it has one."""

    limit = 1_000_000

    def __init__(self, inner: torch.nn.Embedding, error: Exception) -> None:
        super().__init__()
        self.inner, self.error = inner, error
        self.seen: list[int] = []

    @property
    def weight(self) -> torch.Tensor:
        return self.inner.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        self.seen.append(ids.numel())
        if ids.numel() > self.limit:
            raise self.error
        found: torch.Tensor = self.inner(ids)
        return found


def fussy_student(limit: int, error: Exception) -> tuple[Student, Fussy]:
    tokenizer = byte_tokenizer(has_bos=True)
    model = tiny_llama(len(tokenizer))
    fussy = Fussy(model.get_input_embeddings(), error)  # type: ignore[arg-type]
    model.set_input_embeddings(fussy)
    student = Student(model, tokenizer, "fussy")
    fussy.limit = limit
    fussy.seen.clear()
    return student, fussy


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_out_of_memory_halves_the_budget_and_then_gives_up_on_the_one(error: Exception) -> None:
    """All that fits alone is scored; what does not has a status and no number; packs to come are half as large."""
    student, fussy = fussy_student(20, error)
    requests = [LossRequest((0, *range(5 + length, 4 + 2 * length)), 1, OK) for length in (30, 10, 11, 9, 8, 4)]
    losses = [loss for _, loss in sorted(student.losses(requests, token_budget=80), key=lambda found: found[0])]
    assert losses[0] == Loss(None, 29, LossStatus.OUT_OF_MEMORY)
    assert all(loss.status is OK and loss.mean for loss in losses[1:])
    assert fussy.seen[0] == 72
    fussy.seen.clear()
    list(student.losses(requests[1:], token_budget=80))
    assert max(fussy.seen) <= 36
    with pytest.raises(StudentError, match="does not fit in memory"):
        student.token_losses(requests[:1])


def test_another_failure_of_the_model_is_an_error_and_no_number() -> None:
    """Regression (any exception became 0): what is not memory stops with the reason."""
    student, _ = fussy_student(20, RuntimeError("shapes do not match"))
    with pytest.raises(StudentError, match="shapes do not match"):
        list(student.losses([LossRequest(tuple(range(30)), 1, OK)]))


def test_a_loss_that_is_not_finite_has_a_status() -> None:
    """NaN in the weights comes out as NON_FINITE, never as a number."""
    tokenizer = byte_tokenizer(has_bos=True)
    model: Any = tiny_llama(len(tokenizer))
    with torch.no_grad():
        model.model.embed_tokens.weight[9] = math.nan
    student = Student(model, tokenizer, "broken")
    losses = dict(student.losses([LossRequest((0, 9, 8), 1, OK), LossRequest((0, 7, 8), 1, OK)]))
    assert losses[0] == Loss(None, 2, LossStatus.NON_FINITE)
    assert losses[1].status is OK


def test_a_head_that_does_more_than_multiply_is_asked_through_the_model() -> None:
    """Soft-capped logits (Gemma 2): the losses are those of the model's own forward."""
    tokenizer = byte_tokenizer(has_bos=True)
    torch.manual_seed(5)
    config = Gemma2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        final_logit_softcapping=2.0,
        initializer_range=0.5,
    )
    student = Student(Gemma2ForCausalLM(config), tokenizer, "capped")
    assert_plain_agreement(student, ODD_PAIRS[:4], Convention.ALIGNED, load_template("plain"))


def test_a_model_that_looks_to_the_right_is_refused() -> None:
    """A masked language model gives losses too, of something else."""
    tokenizer = byte_tokenizer(has_bos=True)
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        initializer_range=0.3,
    )
    with pytest.raises(StudentError, match="no causal language model"):
        Student(BertLMHeadModel(config), tokenizer, "bert")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (LossRequest((0, 99_999), 1, OK), "not among the"),
        (LossRequest((5,) * 300, 1, OK), "longer than the student's 256"),
        (LossRequest((5, 6), 2, OK), "cannot be scored"),
        (LossRequest((5, 6), 0, OK), "cannot be scored"),
    ],
)
def test_a_request_that_does_not_fit_the_student_is_refused(llama: Student, request_: LossRequest, said: str) -> None:
    """Tokens of another model, texts beyond the model's positions and empty targets are errors before any work."""
    with pytest.raises(StudentError, match=said):
        list(llama.losses([request_]))


def test_what_a_student_says_of_itself(llama: Student, llama_folder: Path) -> None:
    """Name, size, dtype and limit are those of the model; the tokenizer's limit counts where it is less."""
    assert (llama.name, llama.dtype, llama.max_length_limit) == (str(llama_folder), "float32", 256)
    assert llama.identity.parameters == sum(
        tensor.numel() for tensor in load_file(llama_folder / "model.safetensors").values()
    )
    tokenizer = byte_tokenizer(has_bos=True)
    tokenizer.model_max_length = 100
    assert Student(tiny_llama(len(tokenizer)), tokenizer, "short").max_length_limit == 100


def test_the_fingerprint_is_of_the_student_and_not_of_its_folder(
    llama: Student, llama_folder: Path, tmp_path: Path
) -> None:
    """A copy is the same student; another weight, dtype, tokenizer or configuration is another."""
    copy = shutil.copytree(llama_folder, tmp_path / "copy")
    assert load_student(copy, device="cpu").fingerprint == llama.fingerprint
    others = {llama.fingerprint, load_student(copy, device="cpu", dtype="bfloat16").fingerprint}

    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 1e-3}))
    others.add(load_student(copy, device="cpu").fingerprint)
    (copy / "config.json").write_text(json.dumps(config))

    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"][3] += 1e-3
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    others.add(load_student(copy, device="cpu").fingerprint)

    byte_tokenizer(has_bos=True, texts=TEXTS[2:]).save_pretrained(copy)
    others.add(load_student(copy, device="cpu").fingerprint)
    assert len(others) == 5


def test_the_fingerprint_does_not_depend_on_what_was_tokenised_before(llama_folder: Path) -> None:
    """A tokenizer remembers the truncation of its last call; that is no part of the student."""
    before, after = (load_student(llama_folder, device="cpu") for _ in range(2))
    after._tokenizer("a long text", truncation=True, max_length=2)
    assert before.fingerprint == after.fingerprint


def chat_tokenizer(template: str) -> PreTrainedTokenizerFast:
    tokenizer = byte_tokenizer(has_bos=True)
    tokenizer.chat_template = template
    return tokenizer


def test_the_chat_template_is_the_tokenizers_own() -> None:
    """The user message goes into it up to where the answer begins, behind one BOS."""
    template = (
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}[assistant] {% endif %}"
    )
    tokenizer = chat_tokenizer(template)
    student = Student(tiny_llama(len(tokenizer)), tokenizer, "chat")
    assert student.has_chat_template
    assert student.chat_text([{"role": "user", "content": "Hi"}], opened=True) == "<s>[user] Hi\n[assistant] "
    for convention in Convention:
        (four,) = plan([Pair("Hi", "yes")], load_template("chat"), convention, student, 100)
        assert isinstance(four.y_given_x, LossRequest)
        expected = tokenizer.encode("[user] Hi\n[assistant] ")
        assert list(four.y_given_x.ids[: four.y_given_x.start]) == expected


def test_a_missing_or_refusing_chat_template_is_an_error(llama: Student) -> None:
    """Without one the chat template cannot be used; a template that refuses says why."""
    assert not llama.has_chat_template
    with pytest.raises(StudentError, match="no chat template"):
        plan([Pair("Hi", "yes")], load_template("chat"), Convention.ALIGNED, llama, 100)
    tokenizer = chat_tokenizer("{{ raise_exception('a system message first') }}")
    with pytest.raises(StudentError, match="a system message first"):
        plan(
            [Pair("Hi", "yes")],
            load_template("chat"),
            Convention.ALIGNED,
            Student(tiny_llama(len(tokenizer)), tokenizer, "chat"),
            100,
        )


def test_a_tokenizer_with_neither_bos_nor_eos_is_refused() -> None:
    """Nothing else could make a first token scorable."""
    tokenizer = byte_tokenizer(has_bos=False)
    tokenizer.eos_token = None
    with pytest.raises(StudentError, match="neither a BOS nor an EOS"):
        Student(tiny_gpt2(len(tokenizer)), tokenizer, "bare")


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    """Its tokens are not among the model's."""
    save(tmp_path, tiny_llama(40), byte_tokenizer(has_bos=True))
    with pytest.raises(StudentError, match="belongs to another model"):
        load_student(tmp_path, device="cpu")


def edit_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


BROKEN_FOLDERS: dict[str, Callable[[Path], object]] = {
    "no config": lambda folder: (folder / "config.json").unlink(),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "config no JSON": lambda folder: (folder / "config.json").write_text("{"),
    "config a list": lambda folder: (folder / "config.json").write_text("[1]"),
    "config of no model": lambda folder: (folder / "config.json").write_text("{}"),
    "unknown architecture": lambda folder: edit_config(folder, model_type="nonesuch"),
    "an encoder-decoder": lambda folder: edit_config(folder, model_type="t5"),
    "own code": lambda folder: edit_config(folder, model_type="mine", auto_map={"AutoConfig": "mine.Config"}),
    "a size that is a word": lambda folder: edit_config(folder, hidden_size="big"),
    "other shapes": lambda folder: edit_config(folder, intermediate_size=48),
    "missing layers": lambda folder: edit_config(folder, num_hidden_layers=3),
    "garbage weights": lambda folder: (folder / "model.safetensors").write_bytes(b"\x00garbage" * 9),
    "cut weights": lambda folder: (folder / "model.safetensors").write_bytes(
        (folder / "model.safetensors").read_bytes()[:5000]
    ),
    "garbage tokenizer": lambda folder: (folder / "tokenizer.json").write_text('{"x": 1}'),
}


@pytest.mark.parametrize("damage", BROKEN_FOLDERS)
def test_a_folder_that_is_no_student_is_refused_with_a_reason(llama_folder: Path, tmp_path: Path, damage: str) -> None:
    """Whatever is missing or broken gives one StudentError that names the folder and says what to do."""
    folder = shutil.copytree(llama_folder, tmp_path / "broken")
    BROKEN_FOLDERS[damage](folder)
    with pytest.raises(StudentError, match="broken") as caught:
        load_student(folder, device="cpu")
    assert caught.value.hint


@pytest.mark.parametrize(
    "name", ["nobody/no-such-student", "./nowhere", "/nowhere/at all", "!! ??", "a/b/c", "x" * 300]
)
def test_a_name_that_leads_nowhere_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder, and a hub that cannot be reached: the message says what was tried, and nothing waits for a network."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(StudentError) as caught:
        load_student(name, device="cpu")
    assert name[:200] in caught.value.message
    assert caught.value.hint


def test_a_file_is_no_students_folder(llama_folder: Path) -> None:
    """The weights' own path is a common slip."""
    with pytest.raises(StudentError, match="is a file"):
        load_student(llama_folder / "model.safetensors")


@pytest.mark.parametrize("choice", [{"device": "abacus"}, {"device": "cpu", "dtype": "int3"}])
def test_an_unknown_device_or_dtype_is_refused(llama_folder: Path, choice: dict[str, str]) -> None:
    """The hint lists what there is."""
    with pytest.raises(StudentError, match="There is no d"):
        load_student(llama_folder, **choice)


def memorised(pairs: Sequence[Pair], template: Template) -> Student:
    """Train a tiny Llama on the pairs, forward and reverse, until it knows them by heart."""
    texts = [text for pair in pairs for text in (pair.instruction, pair.response)]
    tokenizer = byte_tokenizer(has_bos=True, texts=[*TEXTS, *texts], vocabulary=600)
    model: Any = tiny_llama(len(tokenizer), hidden=64)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.05)
    probe = Student(model, tokenizer, "memory")
    plans = plan(pairs, template, Convention.ALIGNED, probe, 512)
    requests = [slot for four in plans for slot in (four.y_given_x, four.x_given_y) if isinstance(slot, LossRequest)]
    width = max(len(request.ids) for request in requests)
    ids = torch.tensor([request.ids + (1,) * (width - len(request.ids)) for request in requests])
    labels = torch.full_like(ids, -100)
    for row, request in zip(labels, requests, strict=True):
        row[request.start : len(request.ids)] = torch.tensor(request.ids[request.start :])
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    model.train()
    for _ in range(150):
        loss = model(input_ids=ids, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if loss.item() < 0.05:
            break
    return Student(model.eval(), tokenizer, "memory")


def test_a_student_that_knows_16_pairs_prefers_each_to_a_wrong_pair() -> None:
    """The true pair has the lower IFD and the lower r-IFD, 16 times of 16."""
    subjects = ["ants", "bread", "clouds", "drums", "eggs", "ferns", "glass", "hills"]
    subjects += ["ice", "jade", "kites", "lamps", "maps", "nests", "owls", "pearls"]
    chosen = random.Random(5)
    words = ["soft", "grey", "loud", "thin", "warm", "round", "old", "sharp", "bright", "slow", "deep", "plain"]
    pairs = [Pair(f"Tell me about {name}.", " ".join(chosen.sample(words, 6))) for name in subjects]
    template = load_template("plain")
    student = memorised(pairs, template)
    wrong = [Pair(pair.instruction, other.response) for pair, other in zip(pairs, pairs[1:] + pairs[:1], strict=True)]
    right_scores = scores(student, pairs, Convention.ALIGNED, template=template)
    wrong_scores = scores(student, wrong, Convention.ALIGNED, template=template)
    # the wrong pair of a response is the one before it, of an instruction the one at its own place
    by_response = [wrong_scores[index - 1] for index in range(16)]
    assert sum(number(a.ifd) < number(b.ifd) for a, b in zip(right_scores, by_response, strict=True)) == 16
    assert sum(number(a.r_ifd) < number(b.r_ifd) for a, b in zip(right_scores, wrong_scores, strict=True)) == 16


def number(value: float | None) -> float:
    assert value is not None
    return value
