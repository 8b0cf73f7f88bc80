"""Policies as data: an option that cannot be is refused, whoever wrote it."""

from dataclasses import replace
from typing import Any

import pytest

from srt_core.errors import PolicyError
from srt_core.records import Acceptance, Policy
from srt_core.select.policy import policy_from_json, with_settings

BAD_SETTINGS: list[dict[str, Any]] = [
    {"max_idf": 1.0},
    {"accept_instruction": "sometimes"},
    {"rank_by": "length"},
    {"top_share": 0},
    {"top_share": -1},
    {"top_share": 100.1},
    {"top_share": float("nan")},
    {"max_ifd": 0},
    {"max_ifd": -1.0},
    {"max_ifd": float("nan")},
    {"max_ifd": float("inf")},
    {"max_r_ifd": 0},
    {"max_r_ifd": float("nan")},
    {"instruction_margin": float("nan")},
    {"instruction_margin": 10.5},
    {"response_margin": float("-inf")},
    {"max_ifd": "high"},
    {"top_share": None},
    {"response_margin": "0.1"},
    {"require_reflection": "no"},
    {"require_response_reflection": None},
]


@pytest.mark.parametrize("options", BAD_SETTINGS, ids=str)
def test_an_option_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    """Unknown names and values of a wrong kind or out of range are a PolicyError with a way out."""
    with pytest.raises(PolicyError) as caught:
        with_settings(Policy(), options)
    (name, value), *_ = options.items()
    assert name in str(caught.value) or str(value) in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("text", ['{"max_idf": 1}', '{"top_share": 0}', "{", "", "[]", "null", '{"max_ifd": NaN}'])
def test_a_text_that_is_no_policy_is_refused(text: str) -> None:
    """JSON that does not parse, is no object or holds an impossible option is a PolicyError."""
    with pytest.raises(PolicyError):
        policy_from_json(text)


def test_settings_change_only_what_they_name() -> None:
    """with_settings gives a new policy; words become the enumerations, and the old policy stays as it was."""
    base = Policy(name="mine", response_margin=0.5)
    changed = with_settings(base, {"accept_response": "never", "max_ifd": None, "rank_by": "loss_ratio"})
    assert changed == replace(base, accept_response=Acceptance.NEVER, rank_by="loss_ratio").limited(max_ifd=None)
    assert base == Policy(name="mine", response_margin=0.5)
