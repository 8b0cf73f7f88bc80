"""Which prompt trainers make of an exported file, beside the one that was scored."""

from collections.abc import Mapping

from srt_core.project.store import Store
from srt_core.score.scorings import scoring_in_use

_OF_ALPACA = {"alpaca-axolotl": "Axolotl and torchtune", "alpaca-llamafactory": "LLaMA-Factory"}
_FILLED_IN: Mapping[str, Mapping[str, str]] = {
    "alpaca": _OF_ALPACA,
    "parquet": _OF_ALPACA,
    "messages": {"chat": "a trainer with the model's own chat template", "chatml": "a trainer with ChatML"},
}
"""By format: the template that a trainer's own prompt is, and who that is, where it is left to its default."""


def describe_prompts(store: Store, format: str) -> str:
    """Say where what a trainer makes of a file differs from the template that was scored.

    "" for a project without scores, and for a file that no trainer reads.
    """
    scoring, trainers = scoring_in_use(store), _FILLED_IN.get(format)
    if scoring is None or trainers is None:
        return ""
    others = {template: who for template, who in trainers.items() if template != scoring.template}
    made = ", ".join(f"{who} makes {template}" for template, who in others.items())
    if scoring.template in trainers:
        return f"Scored with {scoring.template}, the prompt of {trainers[scoring.template]}. Of this file {made}."
    return (
        f"Scored with {scoring.template}, which no trainer makes of this file by itself: {made}. "
        "Set its prompt to the one that was scored, or score with the one that you train with."
    )
