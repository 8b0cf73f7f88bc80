"""What is kept with an event, in words: a line in the list, and its values one by one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srt_core.project.events import Event
from srt_core.records import counted
from srt_core.review.queues import QUEUES
from srt_core.select.applied import changes_in
from srt_core.ui.frame.words import REASON_LABELS
from srt_core.ui.server.permission import told

_LABELS: Mapping[str, str] = {
    "bulk": "Note",
    "queue": "Queue",
    "audit": "Audit",
    "rows": "Pairs",
    "file": "File",
    "path": "File",
    "n": "Read of what nobody had decided",
    "rest": "Undecided at the draw",
    "bound": "At most wrong",
    "words": "Drawn from",
    "scoring_id": "Scoring",
    "rejected": "Rows not imported",
    "decided_by": "Decided by",
}
_OF_THE_PROGRAM = (
    "selected",
    "picks",
    "rule",
    "seed",
    "before",
    "restores",
    "press",
    "shown",
    "marked",
    "filter",
    "part",
)
"""What checks an event or draws it again, and says nothing to a person."""


def about(event: Event) -> str:
    """Say in a line what an event was about, from what was kept with it; "" where the rest of the row says it all."""
    context = event.context
    said = _ABOUT.get(event.kind, _note)(event, context)
    return told(said or _note(event, context))


def values(event: Event) -> list[tuple[str, str]]:
    """Return what was kept with an event, a label with its value each; of a policy what it changed."""
    if event.kind == "policy":
        changed = [line.partition(": ") for line in changes_in(event.context)]
        return [(label, told(value)) for label, _, value in changed]
    return [(label, told(value)) for label, value in _flat(event.context)]


def _flat(context: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    found = []
    for name, value in context.items():
        if name in _OF_THE_PROGRAM or value in (None, "", [], {}):
            continue
        label = _LABELS.get(name, name.replace("_", " ").capitalize())
        if isinstance(value, dict):
            found += _flat(value, f"{before}{label}, ")
        else:
            found.append((f"{before}{label}" if not before else f"{before}{label.lower()}", _value(name, value)))
    return found


def _value(name: str, value: object) -> str:
    if name == "queue" and value in QUEUES:
        return QUEUES[str(value)].label
    if name == "reason":
        return REASON_LABELS.get(str(value), str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"
    if isinstance(value, list):
        return ", ".join(_value("", each) for each in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _of_assign(_event: Event, context: Mapping[str, Any]) -> str:
    shares = ", ".join(f"{name} {share:g} %" for name, share in context["shares"].items()) or "open to everybody"
    queue = QUEUES[context["queue"]].label if context["queue"] in QUEUES else context["queue"]
    return f"{queue}: {shares}; overlap {context['overlap']:g} %"


def _of_undo(event: Event, context: Mapping[str, Any]) -> str:
    return "" if "bulk" in context else f"Event {event.undoes}"


def _of_scoring(_event: Event, context: Mapping[str, Any]) -> str:
    return f"Number {context.get('scoring_id')}: {context.get('student')}, {context.get('template')}"


def _of_reading(_event: Event, context: Mapping[str, Any]) -> str:
    shown = counted(len(context["shown"]), "version")
    return f"Audit {context['audit']}: {len(context['marked'])} of {shown} may be trained on"


def _of_export(_event: Event, context: Mapping[str, Any]) -> str:
    return f"{counted(context['rows'], 'pair')} to {Path(str(context.get('file'))).name}" if "rows" in context else ""


def _of_import(_event: Event, context: Mapping[str, Any]) -> str:
    if "samples" not in context:
        return ""
    return f"{counted(context['samples'], 'sample')} from {Path(str(context.get('path'))).name}"


def _of_policy(_event: Event, context: Mapping[str, Any]) -> str:
    before = (context.get("before") or {}).get("name")
    changed = changes_in(context)
    name = f"{before} → {context.get('name')}" if before and before != context.get("name") else str(context.get("name"))
    return f"{name}: {'; '.join(changed)}" if changed else name


def _of_audit(_event: Event, context: Mapping[str, Any]) -> str:
    if "size" not in context:
        return ""
    return f"{context['size']:,} of {counted(context.get('population', 0), 'sample')}: {context.get('words', '')}"


def _note(_event: Event, context: Mapping[str, Any]) -> str:
    found = [context[name] for name in ("note", "bulk", "text", "tag", "name", "file", "path") if context.get(name)]
    return str(found[0]) if found else ""


_ABOUT = {
    "assign": _of_assign,
    "undo": _of_undo,
    "scoring": _of_scoring,
    "reading": _of_reading,
    "export": _of_export,
    "import": _of_import,
    "policy": _of_policy,
    "audit": _of_audit,
}
"""How what was kept is said, by the kind of event; of any other its note is."""
