"""The step parse_again: refused replies are read again by the present parser; no call is made."""

from collections.abc import Generator
from threading import Event

from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.reflect.parsing import parse_again
from srt_core.steps.step import Arguments, Step


def _run(store: Store, _asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    yield from parse_again(store, stop=stop)


PARSE_AGAIN = Step("parse_again", "Reading kept replies again", "replies", _run, failed="refused still", is_work=False)
