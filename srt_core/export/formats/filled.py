"""A pair's prompt as text: in the template that was scored, which says which pairs it can carry."""

from srt_core.errors import ChatRefusedError
from srt_core.export.formats.lines import Layout, LeftOut
from srt_core.records import Pair
from srt_core.score.prompts import NotCarriedError


def filled(pair: Pair, layout: Layout) -> str | LeftOut:
    """Return the prompt of a pair in the scored template, or why that has no place for it."""
    assert layout.prompts, "an export of filled texts has a scoring"
    try:
        return layout.prompts.prompt(pair)
    except (NotCarriedError, ChatRefusedError) as error:
        said = error.message.rstrip(".")
        return LeftOut(said[0].lower() + said[1:])
