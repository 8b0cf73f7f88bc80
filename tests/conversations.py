"""Conversations in a project, every exchange a sample of its own behind those before it."""

from collections.abc import Sequence

from srt_core.importing.samples import sample_id
from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.store import Store
from srt_core.records import Context, Origin, Pair, Role, Turn

Exchange = tuple[str, str]


def exchanges(talk: Sequence[Exchange], system: str = "") -> list[Pair]:
    """Every exchange of a conversation as a pair, in its context."""
    turns = [Turn(role, text) for both in talk for role, text in zip((Role.USER, Role.ASSISTANT), both, strict=True)]
    return [Pair(x, y, context=Context(system, tuple(turns[: 2 * at]))) for at, (x, y) in enumerate(talk)]


def add_exchanges(store: Store, pairs: Sequence[Pair]) -> None:
    """Add the exchanges of one conversation as samples that share it."""
    names = [sample_id(pair, 0) for pair in pairs]
    conversation = names[-1] if len(names) > 1 else None
    with store.transaction() as tx:
        columns = ["sample_id", "import_id", "row", "extra", "conversation"]
        tx.append("sample", columns, [(name, 1, row, "{}", conversation) for row, name in enumerate(names)])
        append_candidates(
            tx, [NewCandidate(name, Origin.ORIGINAL, "file", pair) for name, pair in zip(names, pairs, strict=True)]
        )
        tx.bump(set(names))
