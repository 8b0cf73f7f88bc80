"""The sections of a reply by stage: what the prompts ask for and the parser looks for (METHOD, section 4)."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from srt_core.records import Stage

ANSWER_CRITERIA: Final = ("helpfulness", "relevance", "accuracy", "detail")
CRITERIA: Final[Mapping[Stage, tuple[str, ...]]] = {
    Stage.INSTRUCTION: (
        *("complexity", "detail_required", "knowledge_required", "ambiguity", "reasoning"),
        *ANSWER_CRITERIA,
        "why_this_response",
    ),
    Stage.RESPONSE: ANSWER_CRITERIA,
    Stage.REVISION: (),
}
"""The criteria a critique covers, by stage, in the order of the reply."""

REWRITE_SECTIONS: Final[Mapping[Stage, tuple[str, ...]]] = {
    Stage.INSTRUCTION: ("new_instruction", "new_response"),
    Stage.RESPONSE: ("new_response",),
    Stage.REVISION: ("new_instruction", "new_input", "new_response"),
}
"""The sections after the critique: what the stage rewrites."""

MAY_BE_EMPTY: Final = ("new_input",)
"""Sections that need no text."""


def section_keys(stage: Stage) -> tuple[str, ...]:
    """Return the names of the sections of a reply, in order: first the criteria, then the rewrites."""
    return CRITERIA[stage] + REWRITE_SECTIONS[stage]


def watched_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys with `new_instruction` added, so that a reply that also rewrites the instruction is noticed.

    In the response stage such a reply answers another instruction than the one that was asked about.
    """
    return keys if "new_instruction" in keys else (*keys, "new_instruction")


@cache
def loose_name(key: str) -> str:
    """Return a regular expression for a key as models may write it: `New Response`, `new-response`."""
    return re.escape(key).replace("_", "[ _-]?")


@cache
def placeholder(key: str) -> str:
    """Return the text that a request shows in place of a section's content; a reply must not repeat it."""
    return f"[your {key.replace('_', ' ')}]"
