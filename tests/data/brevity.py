"""Brevity: keep short responses; a coach that needs no teacher leaves the first sentence of each."""

from srt_core.methods.method import Method, Rewriter
from srt_core.records import Acceptance, Guard, Measure, Origin, Pair, Policy, ProducerKind


def count_words(original: Pair, pair: Pair) -> float | None:
    """Count the words of a response; an empty one has no number."""
    return float(len(pair.response.split())) or None


def first_sentence(original: Pair) -> Pair | None:
    """Keep the first sentence of a response."""
    first, stop, _ = original.response.partition(".")
    return Pair(original.instruction, first + stop, original.input) if stop else None


COACH = Rewriter("first sentence", ProducerKind.COACH, Origin.RESPONSE, first_sentence)

METHOD = Method(
    name="brevity",
    label="Brevity",
    paper="a test",
    summary="Keep responses of few words.",
    teacher=(),
    needs_student=False,
    measures=(
        Measure("words", "Words", "Words of the response.", "lower", low=1, high=100, step=1, function=count_words),
    ),
    guards=(
        Guard(
            "max_words",
            "words",
            "high",
            is_open=False,
            reason="too_wordy",
            label="Most words",
            help="Leave a sample out when its response has more words.",
            reason_label="Too many words",
            least=0.0,
            initial=20.0,
        ),
    ),
    rewriters=(COACH,),
    policies=(
        Policy(
            name="brevity",
            method="brevity",
            accept_instruction=Acceptance.NEVER,
            accept_response=Acceptance.ALWAYS,
            require_response_reflection=False,
            producer=COACH.producer,
            limits=(("max_words", 4.0),),
        ),
    ),
    dials=("producer", "accept_response", "max_words"),
)
