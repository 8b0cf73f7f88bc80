"""A pair as chat messages: what the user's turn says, and back."""

from collections.abc import Mapping


def user_content(instruction: str, input: str) -> str:
    """Return the text of a user turn: the instruction, then a blank line and the input where there is one."""
    return f"{instruction}\n\n{input}" if input else instruction


def split_content(fields: Mapping[str, object], content: str) -> tuple[str, str]:
    """Return instruction and input of a user turn: those of a record that has both, where they join to it."""
    instruction, input = fields.get("instruction"), fields.get("input")
    if isinstance(instruction, str) and isinstance(input, str) and user_content(instruction, input) == content:
        return instruction, input
    return content, ""
