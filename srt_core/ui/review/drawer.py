"""What stands in the drawer of the desk: one tab at a time, asked for when it is opened, as plain data."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from srt_core.errors import ProjectError
from srt_core.methods.coachlm import RUBRIC, SIDES
from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import DERIVATIONS, Origin, Pair
from srt_core.reflect.outcomes import Failure, Reflection, reflections
from srt_core.review.filter.filter import Filter
from srt_core.review.filter.filter import similar as nearest_of
from srt_core.review.filter.page import MOST_SIMILAR, Listed, read_page
from srt_core.review.rubric import caps, given_by
from srt_core.ui.frame.words import ORIGIN_LABELS, describe_decision, describe_event
from srt_core.ui.review.cards import PARTS
from srt_core.ui.review.seat import Seat
from srt_core.ui.sample.summary import Sample
from srt_core.ui.sample.texts import local_time
from srt_core.ui.server.permission import told

Block = dict[str, Any]
"""A title, a text, whether it is code, and buttons."""

MOST_CHARACTERS = 50_000
MOST_OF_LINE = 300
LISTED = 20


def critique(store: Store, sample: Sample, shown: str) -> list[Block]:
    """Return the teacher's critique by criterion, of the reply that made the version on screen."""
    held = sample.by_name.get(shown)
    found = reflections(store, sample.verdict.sample_id)
    read = next(
        (each for each in found
         if held and each.critique and (each.origin, each.producer) == (held.origin, held.producer)),
        None,
    )  # fmt: skip
    if read is None or read.critique is None:
        return [{"text": "No critique: this version did not come from a teacher's reply.", "faint": True}]
    put_right = [{"text": read.detail}] if read.detail else []
    return put_right + [
        {"title": name.replace("_", " ").capitalize(), "text": str(text)} for name, text in read.critique.items()
    ]


def replies(store: Store, sample: Sample) -> list[Block]:
    """Return every raw reply of the teacher about the sample, the newest first."""
    found = reflections(store, sample.verdict.sample_id)
    if not found:
        return [{"text": "The teacher was not asked about this sample.", "faint": True}]
    return [block for each in found for block in _reply(each)]


def _reply(each: Reflection) -> list[Block]:
    head = (f"{ORIGIN_LABELS[each.origin]} · {each.status} {each.reason.replace('_', ' ')} · {each.producer} · "
            f"{local_time(each.made_at)}")  # fmt: skip
    raw = [{"text": each.raw[:MOST_CHARACTERS], "code": True}] if each.raw else []
    return [{"title": head, "text": each.detail}, *raw]


def history(store: Store, sample: Sample, only: str | None) -> list[Block]:
    """List what happened to the sample, the newest first; `only` by one person where it is given."""
    found = events.events(store, EventFilter(sample_id=sample.verdict.sample_id, author=only), limit=50)
    if not found:
        return [{"text": "Nobody decided on this sample yet.", "faint": True}]
    return [
        {"text": f"{local_time(event.made_at)} · {event.author} · {describe_event(event.kind, event.origin)}"
                 f"{_said(event.context)}{' · undone' if event.undone else ''}"}
        for event in found
    ]  # fmt: skip


def _said(context: Mapping[str, Any]) -> str:
    """Return what somebody wrote with an event: a note, a tag, a reason, what a bulk action was for."""
    said = next((context[name] for name in ("because", "text", "tag", "bulk") if context.get(name)), "")
    return f" · {said}" if said else ""


def similar(store: Store, sample: Sample, seat: Seat, mixed: Collection[str]) -> list[Block]:
    """List the samples most similar to one, the nearest first; where nothing was encoded, how to get there."""
    only = Filter(similar=sample.verdict.sample_id)
    try:
        near = {each.seq: each.similarity for each in nearest_of(store, only.similar)}
    except ProjectError as error:
        said = f"{told(error.message)} {told(error.hint)}"
        return [{"text": said, "faint": True, "leave": {"to": "score", "label": "Compute vectors on Score"}}]
    rows = read_page(store, only, MOST_SIMILAR, LISTED, 0)
    return [
        {
            "similar": {
                "sample": row.sample_id,
                "seq": row.seq,
                "similarity": f"{near[row.seq]:.2f}",
                "says": _stands(row, is_hidden=row.sample_id in mixed or seat.is_blind(store, row.sample_id)),
                "text": " ".join(row.pair.instruction[:MOST_OF_LINE].split()),
            }
        }
        for row in rows
    ]


def _stands(row: Listed, *, is_hidden: bool) -> str:
    """Say what was decided, else what the rule says; what others decided is hidden from who is to decide alone."""
    if row.action and not is_hidden:
        return describe_decision(row.action, row.origin if row.approved else None)
    kept = row.selection.origin
    return f"rule: keep {ORIGIN_LABELS[kept]}" if kept else "rule: leave out"


def rubric(store: Store, sample: Sample, shown: str, by: str) -> dict[str, Any]:
    """Return the rubric's lines for the version on screen, with what this reviewer gave it; nobody else's."""
    version = next((each for each in sample.candidates.values() if each.origin == shown), None)
    edit_id = sample.verdict.event_id if version is None else None
    candidate_id = version.candidate_id if version else None
    given = given_by(store, by, candidate_id=candidate_id, edit_id=edit_id)
    limits = caps(store)
    lines = [
        {"name": each.name, "side": each.side, "label": each.label, "help": each.help, "most": each.most,
         "points": given[each.name][0] if each.name in given else None,
         "flaw": each.name in given and given[each.name][1], "cap": limits.get(each.name)}
        for each in RUBRIC
    ]  # fmt: skip
    label = ORIGIN_LABELS[version.origin] if version else "your edit" if sample.verdict.author == by else "the edit"
    return {"lines": lines, "sides": list(SIDES), "candidate": candidate_id, "edit": edit_id, "label": label}


def failed(sample: Sample) -> list[Block]:
    """Return each failed reflection with the teacher's raw text, and the ways to repair it by hand."""
    if not sample.failures:
        return [{"text": "No reflection of this sample failed.", "faint": True}]
    return [block for origin, failure in sample.failures.items() for block in _failure(sample, origin, failure)]


def _failure(sample: Sample, origin: Origin, failure: Failure) -> Sequence[Block]:
    title = f"{ORIGIN_LABELS[origin]} · {failure.reason.replace('_', ' ')}"
    raw = [{"text": failure.raw[:MOST_CHARACTERS], "code": True}] if failure.raw else []
    return [{"title": title, "text": failure.detail, "repairs": _repairs(sample, origin, failure.raw or "")}, *raw]


def _repairs(sample: Sample, origin: Origin, raw: str) -> list[dict[str, Any]]:
    """Return the ways to begin a repair: the pair that was to be rewritten, with its own text or the raw reply's."""
    made = DERIVATIONS[origin]
    parent = made.parent if made.parent in sample.candidates else Origin.ORIGINAL
    pair = sample.candidates[parent].pair
    ways = [_repair(f"Repair from {ORIGIN_LABELS[parent]}", origin, parent, pair)]
    if raw.strip():
        ways.append(_repair("Repair from the raw reply", origin, parent, replace(pair, response=raw)))
    return ways


def _repair(label: str, repairs: Origin, of: Origin, pair: Pair) -> dict[str, Any]:
    texts = {part: getattr(pair, part) for part in PARTS}
    return {"label": label, "repairs": str(repairs), "of": str(of), **texts}
