"""The rewrites that a record holds beside its original."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from srt_core.errors import DatasetError
from srt_core.importing.files.shapes.values import is_blank, read_text
from srt_core.records import Origin, Pair

_ORIGINS = {
    "reflected": Origin.RESPONSE,
    "instruction": Origin.INSTRUCTION,
    "response": Origin.RESPONSE,
    "both": Origin.BOTH,
}

Fields = Mapping[str, object]


def read_rewrites(
    fields: Fields,
    groups: Mapping[str, Mapping[str, str]],
    original: Pair,
    candidates: dict[Origin, Pair],
    refused: dict[Origin, str],
    clean: Callable[[str], str],
) -> None:
    """Add each group's candidate, or the reason why it is refused; nothing where it equals its parent.

    `clean` says what an input is that was read, such as "" for a word that says there is none.
    """
    for group, parts in groups.items():
        _read_rewrite(fields, group, parts, original, candidates, refused, clean)


def _read_rewrite(
    fields: Fields,
    group: str,
    parts: Mapping[str, str],
    original: Pair,
    candidates: dict[Origin, Pair],
    refused: dict[Origin, str],
    clean: Callable[[str], str],
) -> None:
    origin = _ORIGINS[group]
    parent = candidates.get(Origin.INSTRUCTION) if group == "both" else original
    if parent is None:
        refused[origin] = "There is no INSTRUCTION version that it could be made from."
        return
    try:
        default = replace(parent, instruction="", input="") if group == "instruction" else parent
        instruction, input = _read_x(fields, group, parts, default)
        x = instruction, clean(input) if "input" in parts else input
        same_x = x == (parent.instruction, parent.input)
        if group == "reflected" and not same_x:
            origin = Origin.INSTRUCTION
        pair = Pair(x[0], read_part(fields, f"{group}.response", parts["response"]), x[1], original.context)
        if pair != parent:
            _check_derivation(group, same_x)
            candidates[origin] = pair
    except DatasetError as error:
        refused[origin] = error.message


def _check_derivation(group: str, same_x: bool) -> None:
    """Refuse a candidate that contradicts its stage: only instruction.* rewrites the instruction."""
    if group == "instruction" and same_x:
        raise DatasetError("instruction.* has the original's instruction and input, and another response.")
    if group in ("response", "both") and not same_x:
        raise DatasetError(f"{group}.* has another instruction or input than the version it is made from.")


def _read_x(fields: Fields, group: str, parts: Mapping[str, str], default: Pair) -> tuple[str, str]:
    """Return instruction and input; an unmapped part is the default's, a missing one is empty."""
    instruction, input = (
        (read_text(fields.get(parts[part]), f"{group}.{part}", parts[part]) or "") if part in parts else given
        for part, given in (("instruction", default.instruction), ("input", default.input))
    )
    if is_blank(instruction) and is_blank(input):
        raise DatasetError(f"{group}.instruction is missing or empty.")
    return instruction, input


def read_part(fields: Fields, label: str, column: str) -> str:
    """Return a text that has to be there.

    Raises:
        DatasetError: it is missing, empty, or no text.
    """
    text = read_text(fields.get(column), label, column)
    if text is None or is_blank(text):
        found = "missing" if text is None else "empty"
        raise DatasetError(f'{label} is {found} (column "{column}").')
    return text
