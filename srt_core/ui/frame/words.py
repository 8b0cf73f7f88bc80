"""The words of the screens: one label and one plain sentence for each term, so that all screens say the same."""

import string
from collections.abc import Mapping

from srt_core.methods import GUARDS, MEASURES, REASONS
from srt_core.records import Action, Candidate, Origin, Reason
from srt_core.review.trust.claims import Claim

ORIGIN_LABELS = {
    Origin.ORIGINAL: "Original",
    Origin.RESPONSE: "Response",
    Origin.INSTRUCTION: "Instruction",
    Origin.BOTH: "Both",
}

ORIGIN_HELP = {
    Origin.ORIGINAL: "The pair as imported.",
    Origin.RESPONSE: "The response was rewritten, the instruction kept.",
    Origin.INSTRUCTION: "The instruction or its input was rewritten, mostly with a new response to it.",
    Origin.BOTH: "The instruction was rewritten, then its response once more.",
}

_REASON_LABELS: Mapping[str, str] = {
    Reason.KEPT: "Kept",
    Reason.UNSCORED: "No score",
    Reason.NOT_REFLECTED: "Required rewrite missing",
    Reason.REFLECTION_FAILED: "Reflection failed",
    Reason.NOT_IMPROVED: "Required rewrite not taken",
    Reason.BELOW_TOP_SHARE: "Below the top share",
    Reason.BELOW_DIVERSE_SHARE: "Below the diverse share",
    **{guard.reason: guard.reason_label for guard in GUARDS.values()},
}
REASON_LABELS: Mapping[str, str] = {reason: _REASON_LABELS[reason] for reason in REASONS}

ACTION_LABELS = {
    Action.APPROVE: "Kept",
    Action.CHOOSE: "Kept by hand",
    Action.EDIT: "Edited",
    Action.REJECT: "Left out",
    Action.PARK: "Parked",
    Action.RETRACT: "Retracted",
}
"""What a decision left a sample as."""

KIND_LABELS = {
    Action.APPROVE: "Keep the rule's pick",
    Action.CHOOSE: "Keep another version",
    Action.EDIT: "Keep, edited",
    Action.REJECT: "Leave out",
    Action.PARK: "Park",
    Action.RETRACT: "Retracted",
    "undo": "Undone",
    "import": "Imported",
    "undo_import": "Import taken back",
    "policy": "Policy applied",
    "export": "Exported",
    "push": "Pushed to the hub",
    "scoring": "Scoring put in use",
    "assign": "Queue shared out",
    "arms": "Teachers to draw from",
    "audit": "Audit drawn",
    "reading": "Read blind",
    "view": "View saved or deleted",
    "note": "Note written",
    "rubric": "Rated by the rubric",
    "tag": "Tag put on",
    "untag": "Tag taken off",
    "restore": "Taken though a guard held it back",
    "gold": "Made gold",
    "ungold": "Gold no more",
    "gold_rate": "How often gold is shown",
    "calibration": "Gold answered",
}

"""What happened, by the kind of event."""

MEASURE_LABELS: Mapping[str, str] = {name: measure.label for name, measure in MEASURES.items()}
MEASURE_HELP: Mapping[str, str] = {name: measure.help for name, measure in MEASURES.items()}


def describe_event(kind: str, origin: Origin | None) -> str:
    """Say what happened: a decision as it was pressed, "Keep Response", "Keep Both, edited", "Leave out", "Park"."""
    if kind in (Action.APPROVE, Action.CHOOSE, Action.EDIT) and origin:
        return f"Keep {ORIGIN_LABELS[origin]}{', edited' if kind == Action.EDIT else ''}"
    return KIND_LABELS.get(kind, kind.replace("_", " ").capitalize())


def describe_decision(action: Action, origin: Origin | None) -> str:
    """Say what a decision left a sample as, "Kept: Response", "Left out", for a line that names who took it."""
    label = ACTION_LABELS[action]
    return f"{label}: {ORIGIN_LABELS[origin]}" if origin else label


def in_sentence(label: str) -> str:
    """Write a label as it stands within a sentence: "Response cut" as "response cut", "IFD too high" as it is."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def number(value: float | None, digits: int = 2) -> str:
    """Write a score, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def said_of_claim(claim: Claim) -> str:
    """Write a share with its interval: "93.1 % (88.0 to 96.5)"; a dash where nothing was read."""
    share, interval = claim.reads.share, claim.interval
    if share is None or interval is None:
        return "–"
    return f"{share * 100:.1f} % ({interval.low * 100:.1f} to {interval.high * 100:.1f})"


def describe_rewrite(candidate: Candidate) -> str:
    """Say how far a rewrite drifted and how much longer it became: "Drift 0.42 · 3.1 × as long"; "" of an original."""
    drift, growth = (candidate.measures[name] for name in ("drift", "growth"))
    said = [] if drift is None else [f"Drift {drift:.2f}"]
    if growth is not None:
        said.append(f"{growth:.2g} × as long" if growth < 10 else f"{growth:,.0f} × as long")
    return " · ".join(said)


def markdown(text: str) -> str:
    """Write a name that is not of ours so that Markdown shows it as it is."""
    return "".join(f"\\{mark}" if mark in string.punctuation else mark for mark in text)


def duration(seconds: float | None) -> str:
    """Write a time span in the two units a person would use."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
