"""A teacher on 127.0.0.1 that answers every reflection prompt with a reply made from the prompt itself.

The same pair always gets the same reply (tests/servers/lessons.py). One prompt in six gets a reply that is refused,
another one in six gets one at its first call only.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from srt_core.records import REFLECTIONS, Pair, Stage
from srt_core.reflect.prompts import ParsedReflection, Prompts, parse_reply
from srt_core.reflect.teacher import Answer, Ask, CallOutcome, record_reply
from tests.servers.lessons import reply_text
from tests.servers.server import FaultServer, running
from tests.small_project import write_lines


def record_replies(path: Path, prompts: Prompts, pairs: Iterable[Pair]) -> Path:
    """Write the replies to everything that could be asked about these originals, as recorded at the second try."""
    lines = []
    for original in pairs:
        for stage, pair in _asked(prompts, original):
            ask = Ask(prompts.messages(stage, pair), stage, pair)
            reply = Answer(CallOutcome.ANSWERED, reply_text(ask.messages[-1]["content"], 2), "stop", "m-1")
            lines.append(record_reply(ask, reply))
    return write_lines(path, lines)


def _asked(prompts: Prompts, original: Pair) -> Iterator[tuple[Stage, Pair]]:
    yield from ((stage, original) for stage in REFLECTIONS)
    text = reply_text(prompts.messages(Stage.INSTRUCTION, original)[-1]["content"], 2)
    parsed = parse_reply(Stage.INSTRUCTION, text, "stop", original)
    if isinstance(parsed, ParsedReflection):
        yield Stage.RESPONSE, parsed.pair


class TeachingServer(FaultServer):
    """Teaches at every address; `calls` counts by question."""

    def __init__(self, *, ledger: Path | None = None) -> None:
        super().__init__(ledger=ledger, always="teach")

    @property
    def calls(self) -> Counter[str]:
        """Chat requests begun, by question."""
        return self.attempts


@contextmanager
def running_teaching_server(*, ledger: Path | None = None) -> Iterator[TeachingServer]:
    """Run a teaching server in a thread for as long as the block lasts."""
    with running(TeachingServer(ledger=ledger)) as server:
        yield server
