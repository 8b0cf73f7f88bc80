"""The ledger of a server: one entry for each answer that was sent to its end.

Sent means that the operating system took every byte: a client that was killed may never have read it. What a client
kept is therefore a subset of the ledger, and what it lost is at most the calls it had under way when it was killed.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer, or one line of a batch's output once the file was sent.

    `request` is the SHA-256 of the request's body in hex, `question` the key of the pair and stage it asks about,
    `attempt` how often the question had come by then, `reply` the text of the completion, None where there was none.
    """

    time: float
    behaviour: str
    status: int
    request: str
    question: str
    attempt: int
    reply: str | None


class Ledger:
    """Entries in the order in which their answers were sent; with a path they are appended there as JSON Lines too."""

    def __init__(self, path: Path | None = None) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()
        self._path = path

    def add(self, entries: Sequence[Entry]) -> None:
        """Append entries."""
        with self._lock:
            self._entries += entries
            if self._path is not None:
                lines = "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(lines)

    def entries(self) -> list[Entry]:
        """Return the entries so far."""
        with self._lock:
            return list(self._entries)

    def replies(self) -> list[str]:
        """Return the texts of all completions that were sent, in order."""
        return [entry.reply for entry in self.entries() if entry.reply is not None]


def read_ledger(path: Path) -> list[Entry]:
    """Read the entries that a server in another process has written so far."""
    lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
    return [Entry(**json.loads(line)) for line in lines]
