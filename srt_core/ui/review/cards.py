"""What the browser is told of a sample: its card, in plain data. Everything in it is text, and is set as text there.

A card holds the versions with their differences from the original worked out, so that the desk shows the next sample
from what it has. Long texts are cut; `whole` gives them in full.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from srt_core.project.diff import LEAST_ALIKE, share_alike, word_diff
from srt_core.records import ORIGIN_COLOURS, Action, Candidate, Context, LossStatus, Origin, Pair, Role
from srt_core.review.drafts import KeptDraft
from srt_core.review.notes import Beside
from srt_core.review.queues import why
from srt_core.review.verdicts import Verdict
from srt_core.select.words import digits_apart
from srt_core.ui.frame.palette import NEUTRAL_COLOUR
from srt_core.ui.frame.words import (
    MEASURE_LABELS,
    ORIGIN_HELP,
    ORIGIN_LABELS,
    describe_decision,
    describe_rewrite,
    number,
)
from srt_core.ui.review.markdown import read_markdown
from srt_core.ui.review.seat import Seat
from srt_core.ui.sample.summary import Sample
from srt_core.ui.sample.texts import context_title, local_time, own_texts

Card = dict[str, Any]

_ORIGINS = tuple(map(str, Origin))
PARTS = ("instruction", "input", "response")
MOST_CHARACTERS = 20_000
"""Of one text in a card; more would slow every key, and is shown when asked for."""
_KINDS = {"equal": 0, "insert": 1, "delete": -1}
_ROLES = {Role.SYSTEM: "System", Role.USER: "User", Role.ASSISTANT: "Assistant"}


def card(sample: Sample, seat: Seat, beside: Beside, draft: KeptDraft | None, *, is_blind: bool, unscored: str) -> Card:
    """Return the card of a sample; `is_blind` leaves out what others decided, and what hints at it.

    `unscored` says why an edit has no score.
    """
    verdict, original = sample.verdict, sample.candidates[Origin.ORIGINAL].pair
    decided = None if is_blind else verdict.action
    return {
        "sample": verdict.sample_id,
        "seq": verdict.seq,
        "event": None if is_blind else verdict.event_id,
        "decided": bool(decided),
        "state": "" if is_blind else _state(verdict),
        "rule": _rule(sample, seat, is_blind=is_blind),
        "pick": _pick(sample),
        "versions": [_version(sample, origin, original, is_blind=is_blind) for origin in sample.candidates]
        + [_rival(sample, name, original) for name in sample.by_name if name not in _ORIGINS]
        + ([] if is_blind or not sample.edit else [_edited(sample, original, unscored)]),
        "missing": {str(place): _missing(sample, origin) for place, origin in enumerate(Origin, start=1)
                    if origin not in sample.candidates},
        "shown": "EDITED" if sample.edit and not is_blind else str(sample.in_question or Origin.ORIGINAL),
        "context": context_of(original.context),
        "own": own_texts(sample.own),
        "note": "" if is_blind else beside.note,
        "tags": [] if is_blind else list(beside.tags),
        "draft": _draft(draft),
        "failed": [str(origin) for origin in sample.failures],
        "hint": "Everybody who has a share decides this sample. What others decided and wrote is shown once you did."
        if is_blind else "",
    }  # fmt: skip


def state(action: Action, origin: Origin | None, by: str, made_at: datetime) -> str:
    """Say what stands decided, by whom and when."""
    return f"{describe_decision(action, origin)}, by {by}, {local_time(made_at)}"


def _state(verdict: Verdict) -> str:
    if not (verdict.action and verdict.author and verdict.made_at):
        return ""
    return state(verdict.action, verdict.origin if verdict.approved else None, verdict.author, verdict.made_at)


def context_of(context: Context) -> Mapping[str, Any] | None:
    """Return what was said before a pair; None for nothing."""
    if not context:
        return None
    said = [[_ROLES[Role(each["role"])], each["content"][:MOST_CHARACTERS]] for each in context.messages]
    return {"title": context_title(context), "messages": said}


def whole(pair: Pair) -> dict[str, str]:
    """Return the texts of a version in full."""
    return {part: getattr(pair, part) for part in PARTS}


def texts(pair: Pair) -> dict[str, Any]:
    """Return the texts of a version alone, long ones cut."""
    return {part: _plain(getattr(pair, part)) for part in PARTS}


def add_markdown(shown: Card) -> None:
    """Add to a card its texts read as Markdown, version by version; a part that is the original's is not read again."""
    for version in shown["versions"]:
        parts = {name: _text_of(part) for name, part in version["parts"].items() if not part.get("same")}
        version["markdown"] = {name: read_markdown(text) for name, text in parts.items()}


def _text_of(part: Mapping[str, Any]) -> str:
    """Return the text of a part of a card, without what is marked as removed."""
    if "spans" in part:
        return "".join(text for kind, text in part["spans"] if kind >= 0)
    return str(part["text"])


def _rule(sample: Sample, seat: Seat, *, is_blind: bool) -> dict[str, Any]:
    """Say what the rule does with the sample, by which numbers, and why."""
    *stages, outcome = sample.walk()
    label, _, reason = outcome.partition(": ")
    pick = sample.pick
    shown = sample.candidates.get(sample.in_question) if sample.in_question else None
    marks = [] if is_blind else [f"{found.mark.label}: {found.detail}" for found in sample.marks]
    return {
        "keeps": pick is not None,
        "says": f"keep {ORIGIN_LABELS[pick]}" if pick else "leave out",
        "because": "" if pick else reason.rstrip("."),
        "numbers": [_number(sample, shown, name) for name in ("ifd", "r_ifd")],
        "why": [*stages, f"{label}: {reason}", *filter(None, (
            describe_rewrite(shown) if shown else "", why(seat.name, seat.queue, sample.verdict, sample.policy)))],
        "marks": marks,
    }  # fmt: skip


def _number(sample: Sample, shown: Candidate | None, measure: str) -> dict[str, Any]:
    """Write one measure before and after, with digits enough to show that it moved and on which side of its limit."""
    before = sample.candidates[Origin.ORIGINAL].measures[measure]
    after = shown.measures[measure] if shown else before
    limit = sample.policy.limit(f"max_{measure}")
    others = [each for each in (before, limit) if each is not None]
    digits = max((digits_apart(after, other) for other in others), default=2) if after is not None else 2
    said = f"{number(before, digits)} → {number(after, digits)}" if shown else number(before, digits)
    return {
        "label": MEASURE_LABELS[measure],
        "says": said,
        "limit": "" if limit is None else f"limit {limit:g}",
        "holds": None if limit is None or after is None else after < limit,
    }


def _pick(sample: Sample) -> dict[str, Any] | None:
    """Return the version that is pre-selected: the rule's; None where the rule leaves the sample out."""
    if not sample.pick:
        return None
    # The one text that is not on screen is the rule's pick where a decision for another producer's stands.
    other = "" if sample.is_pick(sample.pick) else f" by {sample.walked[sample.pick].producer}"
    return {"label": f"{ORIGIN_LABELS[sample.pick]}{other}", "candidate": sample.pick_id}


def _version(sample: Sample, origin: Origin, original: Pair, *, is_blind: bool) -> dict[str, Any]:
    candidate = sample.candidates[origin]
    other = "" if is_blind else sample.other_producer(origin)
    return {
        "name": str(origin),
        "place": list(Origin).index(origin) + 1,
        "label": ORIGIN_LABELS[origin],
        "help": ORIGIN_HELP[origin],
        "colour": ORIGIN_COLOURS[origin],
        "candidate": candidate.candidate_id,
        "picked": sample.is_pick(origin),
        "says": f"decided for, by {other}" if other else "the rule's pick" if sample.is_pick(origin) else "",
        "parts": texts(original) if origin is Origin.ORIGINAL else compared(original, candidate.pair),
    }


def _rival(sample: Sample, name: str, original: Pair) -> dict[str, Any]:
    """Return what another teacher wrote as a version of its own, by the next key; who wrote it is not said."""
    candidate, names = sample.by_name[name], list(sample.by_name)
    origin = candidate.origin
    before = names[: names.index(name)]
    which = 1 + sum(sample.by_name[each].origin is origin for each in before)
    return {
        "name": name,
        "of": str(origin),
        "place": len(Origin) + 1 + len([each for each in before if each not in _ORIGINS]),
        "label": f"{ORIGIN_LABELS[origin]} {which}",
        "help": f"{ORIGIN_HELP[origin]} By another teacher.",
        "colour": ORIGIN_COLOURS[origin],
        "candidate": candidate.candidate_id,
        "picked": False,
        "says": "",
        "parts": compared(original, candidate.pair),
    }


def _edited(sample: Sample, original: Pair, unscored: str) -> dict[str, Any]:
    """Return the standing edit as a version of its own, with its scores."""
    edit = sample.edit
    assert edit is not None
    says = unscored
    if edit.status is not None:
        says = f"IFD {number(edit.measures['ifd'])}, r-IFD {number(edit.measures['r_ifd'])}"
        says += "" if edit.status is LossStatus.OK else f" ({edit.status.replace('_', ' ')})"
    origin = sample.verdict.origin or Origin.ORIGINAL
    return {
        "name": "EDITED", "place": 0, "label": "Edited", "help": "As a reviewer wrote it.", "colour": NEUTRAL_COLOUR,
        "candidate": sample.verdict.candidate_id, "of": str(origin), "picked": False, "says": says,
        "parts": compared(original, edit.pair),
    }  # fmt: skip


def _missing(sample: Sample, origin: Origin) -> str:
    """Say why a version is not there."""
    if failure := sample.failures.get(origin):
        return f"{ORIGIN_LABELS[origin]} failed: {failure.reason.replace('_', ' ')}."
    return f"There is no version {ORIGIN_LABELS[origin]} of this sample."


def _draft(kept: KeptDraft | None) -> dict[str, Any] | None:
    if kept is None:
        return None
    draft = kept.draft
    return {"of": str(draft.origin), "repairs": draft.repairs and str(draft.repairs), "at": local_time(kept.made_at),
            "instruction": draft.instruction, "input": draft.input, "response": draft.response}  # fmt: skip


def compared(before: Pair, after: Pair) -> dict[str, Any]:
    """Return the texts of a rewrite with their differences from the original's, part by part."""
    return {part: _compared(getattr(before, part), getattr(after, part)) for part in PARTS}


def _compared(before: str, after: str) -> dict[str, Any]:
    if before == after:
        return {"same": True}
    old, new = before[:MOST_CHARACTERS], after[:MOST_CHARACTERS]
    spans = word_diff(old, new)
    cut = {"cut": len(after)} if len(after) > MOST_CHARACTERS else {}
    if before and after and share_alike(spans) < LEAST_ALIKE:
        return {"text": new, "apart": True, **cut}
    return {"spans": [[_KINDS[span.kind], span.text] for span in spans], **cut}


def _plain(text: str) -> dict[str, Any]:
    cut = {"cut": len(text)} if len(text) > MOST_CHARACTERS else {}
    return {"text": text[:MOST_CHARACTERS], **cut}


def blind_card(sample: Sample, shown: Sequence[int], seal: str) -> Card:
    """Return the card of a sample that is read blind: its versions unnamed, in the order given, and nothing else.

    Every version has the same fields, and none is compared with another: nothing in it tells them apart.
    """
    pairs = {key: each.pair for key, each in sample.readings.items()}
    original = sample.candidates[Origin.ORIGINAL].pair
    return {
        "sample": sample.verdict.sample_id,
        "seq": sample.verdict.seq,
        "blind": True,
        "shown": seal,
        "context": context_of(original.context),
        "versions": [{"place": place, "parts": texts(pairs[key])} for place, key in enumerate(shown, start=1)],
    }
