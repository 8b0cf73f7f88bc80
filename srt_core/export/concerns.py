"""What may surprise somebody who trains on an export, and what each trainer does with it, by its own code.

TRL 1.16, LLaMA-Factory 0.9.5, Axolotl 0.19 and torchtune 0.6.1 were read and run: see scripts/trainer_records.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_AS_TOKENS = "reads it as that token, as scoring did"
_APART = "tokens of prompt and response are made apart, as they were scored"


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that is counted before an export is written."""

    name: str
    label: str
    """As the end of "12 pairs: ..."."""
    does: Mapping[str, str]
    """What a trainer does with such a pair, by its name: "TRL cuts ..."."""


TOO_LONG = Concern(
    "too_long",
    "longer than the max length",
    {
        "TRL": "cuts the end of the response at max_length, which is 1,024 unless it is set",
        "LLaMA-Factory": "cuts prompt and response at cutoff_len, the longer of them more",
        "Axolotl": "leaves the pair out, unless excess_length_strategy is truncate",
        "torchtune": "cuts the end of the response at max_seq_len where that is set",
    },
)
NO_ROOM = Concern(
    "no_room",
    "with a prompt that fills the max length alone",
    {
        "TRL": "leaves the pair out",
        "LLaMA-Factory": "cuts the prompt to make room for the response",
        "Axolotl": "leaves the pair out",
        "torchtune": "trains on nothing of it",
    },
)
SPECIAL = Concern(
    "special_tokens",
    "with a special token within a text",
    {
        "TRL": _AS_TOKENS,
        "LLaMA-Factory": f"{_AS_TOKENS}, unless split_special_tokens is true",
        "Axolotl": _AS_TOKENS,
        "torchtune": "reads it as its own tokenizers do",
    },
)
BOUNDARY = Concern(
    "boundary",
    "whose tokens where the response begins are others in the whole text",
    {
        "TRL": "makes tokens of the whole text: the response begins where they first differ, which was not scored so",
        "LLaMA-Factory": _APART,
        "Axolotl": _APART,
        "torchtune": _APART,
    },
)
EARLIER = Concern(
    "earlier_answers",
    "with earlier answers before the last",
    {
        "TRL": "trains on the last answer alone in prompt_completion, on all text of messages",
        "LLaMA-Factory": "trains on earlier answers too, unless mask_history is true",
        "Axolotl": "trains on earlier answers of messages too",
        "torchtune": "trains on earlier answers too",
    },
)
CONCERNS = (TOO_LONG, NO_ROOM, SPECIAL, BOUNDARY, EARLIER)
"""In the order in which they are shown."""
