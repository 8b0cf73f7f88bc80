"""Planning the four losses, and the ratios, on token ids that can be counted by hand."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from srt_core.records import CandidateLosses, Loss, LossRequest, LossStatus, Pair
from srt_core.score.ifd import CandidatePlan, Convention, plan, score_of
from srt_core.score.losses import request_key
from srt_core.score.templates import Template

NO_TARGET = Loss(None, 0, LossStatus.NO_TARGET)
TEMPLATE = Template("t", "{instruction}[{input}]:", "{instruction}:", "{response}?")
CHAT = Template("c", "{instruction}[{input}]", "{instruction}", "{response}?", is_chat=True)
BOS = "^"


@dataclass
class Characters:
    """A tokenizer of one token a character: its code point. A real one, only simple."""

    start_ids: tuple[int, ...] = (ord(BOS),)
    adds_start: bool = True
    asked: list[str] = field(default_factory=list)

    def encode(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        self.asked.extend(texts)
        start = list(self.start_ids) if special and self.adds_start else []
        return [start + [ord(character) for character in text] for text in texts]

    def chat_text(self, messages: Sequence[Mapping[str, str]], *, opened: bool) -> str:
        return BOS + "".join(f"<{each['role'][0]}:{each['content']}>" for each in messages) + (">" if opened else "")


def planned(
    pair: Pair,
    convention: Convention = Convention.ALIGNED,
    *,
    template: Template = TEMPLATE,
    tokenizer: Characters | None = None,
    max_length: int = 100,
) -> CandidatePlan:
    return plan([pair], template, convention, tokenizer or Characters(), max_length)[0]


def request(context: str, target: str, status: LossStatus = LossStatus.OK) -> LossRequest:
    return LossRequest(tuple(map(ord, context + target)), len(context), status)


def test_the_four_losses_of_a_pair_with_an_input() -> None:
    """x is bare with a newline before the input as a target, filled in as a context; y' wraps y."""
    assert planned(Pair("ask", "yes", "in")).slots == (
        request("^", "yes"),
        request("^ask[in]:", "yes"),
        request("^", "ask\nin"),
        request("^yes?:", "ask\nin"),
    )


def test_without_an_input_there_is_no_newline() -> None:
    """The no-input text is the context, and x is the instruction alone."""
    four = planned(Pair("ask", "yes"))
    assert (four.y_given_x, four.x) == (request("^ask:", "yes"), request("^", "ask"))


def test_the_reference_convention_glues_instruction_and_input() -> None:
    """As in the authors' script: no separator; with a BOS tokenizer the rest is the same."""
    four = planned(Pair("ask", "yes", "in"), Convention.REFERENCE)
    assert (four.x, four.x_given_y) == (request("^", "askin"), request("^yes?:", "askin"))


def test_the_reference_convention_without_bos_never_scores_the_first_token_alone() -> None:
    """A tokenizer that puts nothing in front: L(y) runs from the second token, L(y|x) from the first."""
    four = planned(Pair("ask", "yes"), Convention.REFERENCE, tokenizer=Characters(adds_start=False))
    assert (four.y, four.y_given_x) == (request("y", "es"), request("ask:", "yes"))


def test_aligned_scores_the_first_token_of_every_tokenizer() -> None:
    """Regression (the authors' losses run over different tokens): aligned puts a start token in front."""
    four = planned(Pair("a", "y"), tokenizer=Characters(start_ids=(0,), adds_start=False))
    assert four.y == LossRequest((0, ord("y")), 1, LossStatus.OK)
    assert four.y_given_x == LossRequest((0, ord("a"), ord(":"), ord("y")), 3, LossStatus.OK)


def test_one_token_answers_without_bos_have_no_direct_reference_loss() -> None:
    """Regression (NaN): there is nothing to score, which is a status and not a number."""
    four = planned(Pair("ask", "y"), Convention.REFERENCE, tokenizer=Characters(adds_start=False))
    assert four.y == NO_TARGET
    assert four.y_given_x == request("ask:", "y")


@pytest.mark.parametrize("convention", Convention)
def test_the_target_begins_where_the_context_ends(convention: Convention) -> None:
    """Regression (the target was found by text search): an instruction that is part of its input moves nothing."""
    four = planned(Pair("sum", "sum", "sum up the sum"), convention)
    assert four.y_given_x == request("^sum[sum up the sum]:", "sum")
    assert isinstance(four.x_given_y, LossRequest)
    assert four.x_given_y.start == len("^sum?:")


@pytest.mark.parametrize("convention", Convention)
def test_an_empty_text_has_no_target(convention: Convention) -> None:
    """Both losses of an empty target are NO_TARGET; the other ratio still stands."""
    assert planned(Pair("ask", ""), convention).slots[:2] == (NO_TARGET, NO_TARGET)
    four = planned(Pair("", "yes"), convention)
    assert four.slots[2:] == (NO_TARGET, NO_TARGET)
    assert four.y_given_x == request("^:", "yes")


def test_an_empty_instruction_with_an_input_is_still_a_target() -> None:
    """x is then the newline and the input."""
    assert planned(Pair("", "yes", "in")).x == request("^", "\nin")


@pytest.mark.parametrize("convention", Convention)
def test_a_cut_target_is_cut_in_both_losses(convention: Convention) -> None:
    """Max length keeps the same tokens of the target in both losses, and both are flagged."""
    four = planned(Pair("ask", "response"), convention, max_length=len("^ask:resp"))
    cut = LossStatus.TRUNCATED
    assert (four.y, four.y_given_x) == (request("^", "resp", cut), request("^ask:", "resp", cut))


@pytest.mark.parametrize("convention", Convention)
def test_a_target_that_just_fits_is_not_cut(convention: Convention) -> None:
    """The last length at which nothing is lost has status OK."""
    four = planned(Pair("ask", "yes"), convention, max_length=len("^ask:yes"))
    assert (four.y, four.y_given_x) == (request("^", "yes"), request("^ask:", "yes"))


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize("max_length", [1, 3, 5])
def test_a_context_that_fills_max_length_leaves_no_target(convention: Convention, max_length: int) -> None:
    """No kept target token: both losses of the ratio are NO_TARGET."""
    assert planned(Pair("ask", "yes"), convention, max_length=max_length).slots[:2] == (NO_TARGET, NO_TARGET)


def test_reference_without_bos_cuts_the_direct_text_as_the_authors_do() -> None:
    """The direct text keeps max length - context + 1 tokens, one more than the conditioned target where no BOS is."""
    four = planned(
        Pair("ask", "response"),
        Convention.REFERENCE,
        tokenizer=Characters(adds_start=False),
        max_length=len("ask:resp"),
    )
    assert four.y == request("r", "espo", LossStatus.TRUNCATED)
    assert four.y_given_x == request("ask:", "resp", LossStatus.TRUNCATED)


@pytest.mark.parametrize("convention", Convention)
@pytest.mark.parametrize("adds_start", [True, False])
def test_a_chat_template_that_writes_bos_does_not_double_it(convention: Convention, adds_start: bool) -> None:
    """One start token stands in front, whether the tokenizer adds one, the chat template, or both."""
    four = planned(Pair("ask", "yes"), convention, template=CHAT, tokenizer=Characters(adds_start=adds_start))
    assert four.y_given_x == request("^<u:ask>>", "yes")
    assert four.x_given_y == request("^<u:yes?>>", "ask")


def test_start_tokens_that_a_user_wrote_are_kept() -> None:
    """Only a chat template's own start token is dropped, never text of the pair."""
    assert planned(Pair("^ask", "yes")).y_given_x == request("^^ask:", "yes")


@pytest.mark.parametrize("convention", Convention)
def test_each_distinct_text_is_tokenised_once_a_call(convention: Convention) -> None:
    """Candidates of a sample share texts: no text goes to the tokenizer twice."""
    tokenizer = Characters()
    pairs = [Pair("ask", "yes"), Pair("ask", "no"), Pair("tell", "yes"), Pair("ask", "yes")]
    plans = plan(pairs, TEMPLATE, convention, tokenizer, 100)
    assert len(tokenizer.asked) == len(set(tokenizer.asked))
    assert plans == [planned(pair, convention) for pair in pairs]


def test_many_of_the_sixteen_losses_of_a_sample_are_equal() -> None:
    """Four responses to two instructions have 14 distinct losses, two responses 12, and one instruction 7."""

    def distinct(pairs: list[Pair]) -> int:
        return len(
            {slot for four in plan(pairs, TEMPLATE, Convention.ALIGNED, Characters(), 100) for slot in four.slots}
        )

    assert distinct([Pair("x0", "y0"), Pair("x0", "yA"), Pair("xQ", "yQ"), Pair("xQ", "yB")]) == 14
    assert distinct([Pair("x0", "y0"), Pair("x0", "yA"), Pair("xQ", "y0"), Pair("xQ", "yA")]) == 12
    assert distinct([Pair("x0", "y0"), Pair("x0", "yA")] * 2) == 7


def losses(y: float, y_given_x: float, x: float, x_given_y: float) -> CandidateLosses:
    return CandidateLosses(*(Loss(mean, 3, LossStatus.OK) for mean in (y, y_given_x, x, x_given_y)))


def test_the_ratios_are_of_perplexities() -> None:
    """ppl(y|x) / ppl(y) with ppl 3 and 4, ppl(x|y') / ppl(x) with 2 and 8; Cherry's is the ratio of the losses."""
    score = score_of(losses(math.log(4), math.log(3), math.log(8), math.log(2)))
    assert score.ifd == pytest.approx(0.75, rel=1e-12)
    assert score.r_ifd == pytest.approx(0.25, rel=1e-12)
    assert score.loss_ratio == pytest.approx(math.log(3) / math.log(4), rel=1e-12)
    assert score.status is LossStatus.OK


@pytest.mark.parametrize("missing", [LossStatus.NO_TARGET, LossStatus.NON_FINITE, LossStatus.OUT_OF_MEMORY])
def test_a_missing_loss_gives_none_and_its_status(missing: LossStatus) -> None:
    """Regression (an exception became 0, which beats every rival): no number is None, never 0 and never NaN."""
    ok = Loss(1.0, 3, LossStatus.OK)
    none = Loss(None, 0, missing)
    without_y = score_of(CandidateLosses(none, ok, ok, ok))
    assert (without_y.ifd, without_y.loss_ratio, without_y.r_ifd, without_y.status) == (None, None, 1.0, missing)
    without_x = score_of(CandidateLosses(ok, ok, ok, none))
    assert (without_x.ifd, without_x.loss_ratio, without_x.r_ifd, without_x.status) == (1.0, 1.0, None, missing)


def test_the_status_is_the_worst_of_the_four() -> None:
    """A truncated loss has a number and its flag; a missing one outweighs it."""
    ok, cut = Loss(1.0, 3, LossStatus.OK), Loss(1.0, 3, LossStatus.TRUNCATED)
    out = Loss(None, 3, LossStatus.OUT_OF_MEMORY)
    assert score_of(CandidateLosses(ok, cut, ok, ok)).status is LossStatus.TRUNCATED
    assert score_of(CandidateLosses(NO_TARGET, cut, ok, out)).status is LossStatus.OUT_OF_MEMORY


@pytest.mark.parametrize("four", [losses(0, 800, 1, 1), losses(0.0, 0.0, 1, 1), losses(5e-324, 5.0, 1, 1)])
def test_a_ratio_without_a_finite_value_is_none(four: CandidateLosses) -> None:
    """Overflow and 0/0 give None and NON_FINITE instead of infinity or NaN."""
    score = score_of(four)
    assert score.loss_ratio is None
    assert score.ifd is None or math.isfinite(score.ifd)
    assert score.status is LossStatus.NON_FINITE


def test_a_loss_is_kept_under_all_that_it_is_a_function_of() -> None:
    """Student, convention, max length, ids and start each change the key, and so does a cut."""
    base = LossRequest((1, 23), 1, LossStatus.OK)
    keys = [
        request_key("s", Convention.ALIGNED, 10, base),
        request_key("t", Convention.ALIGNED, 10, base),
        request_key("s", Convention.REFERENCE, 10, base),
        request_key("s", Convention.ALIGNED, 11, base),
        request_key("s", Convention.ALIGNED, 10, LossRequest((12, 3), 1, LossStatus.OK)),
        request_key("s", Convention.ALIGNED, 10, LossRequest((1, 2, 3), 1, LossStatus.OK)),
        request_key("s", Convention.ALIGNED, 10, LossRequest((1, 2, 3), 2, LossStatus.OK)),
        request_key("s", Convention.ALIGNED, 10, LossRequest((1, 23), 1, LossStatus.TRUNCATED)),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == request_key("s", Convention.ALIGNED, 10, LossRequest((1, 23), 1, LossStatus.OK))
    assert {len(key) for key in keys} == {32}
