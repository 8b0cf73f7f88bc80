"""MARKS: every quality mark there is, in the order in which they are shown. A family of marks is one line here."""

from collections.abc import Mapping

from srt_core.importing.marks import (
    answers,
    asides,
    characters,
    contacts,
    endings,
    equals,
    markup,
    near_duplicates,
    refusals,
    repeats,
    tokens,
)
from srt_core.importing.marks.mark import Mark

MARKS: tuple[Mark, ...] = (
    *tokens.MARKS,
    *endings.MARKS,
    *refusals.MARKS,
    *repeats.MARKS,
    *answers.MARKS,
    *characters.MARKS,
    *markup.MARKS,
    *contacts.MARKS,
    *asides.MARKS,
    *equals.MARKS,
    *near_duplicates.MARKS,
)
BY_NAME: Mapping[str, Mark] = {mark.name: mark for mark in MARKS}
