"""The finish reasons of a reply, as the usual endpoints name them."""

from typing import Final

AT_LIMIT: Final = frozenset({"length", "max_tokens", "max_length", "model_length", "max_output_tokens", "token_limit"})
STOPPED: Final = frozenset({"stop", "eos", "eos_token", "end_turn", "stop_sequence", "completed"})
BROKEN_OFF: Final = frozenset({"incomplete", "abort", "aborted", "error", "cancelled"})
FILTERED: Final = frozenset({"content_filter", "safety", "recitation", "prohibited_content", "blocklist"})
UNTOLD_LIMIT: Final = " at the limit"
"""Added to a finish reason that tells of a whole reply, where the reply has just as many tokens as were allowed."""


def is_cut(finish_reason: str) -> bool:
    """Whether a reply was cut off at its limit of tokens."""
    return finish_reason.lower() in AT_LIMIT or finish_reason.endswith(UNTOLD_LIMIT)


def told_limit(finish_reason: str, tokens: int | None, limit: int | None) -> str:
    """Return a finish reason that says so where a reply ended at the limit of tokens, whatever the server calls it.

    More tokens than that show that the server holds to no limit, and that the reply is whole.
    """
    is_at_limit = tokens is not None and tokens == limit and not is_cut(finish_reason)
    return finish_reason + UNTOLD_LIMIT if is_at_limit else finish_reason
