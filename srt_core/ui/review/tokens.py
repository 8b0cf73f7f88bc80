"""The token losses of a sample: which pieces of a text became easier once its context was known, as plain data.

A job computes them (`steps.explain`), the project file keeps them; while one runs, the desk asks again and again.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from srt_core.errors import ProjectError, SRTError
from srt_core.records import ORIGIN_COLOURS, Candidate, Origin
from srt_core.score.scorings import Scoring, scoring_in_use
from srt_core.score.token_maps import MapStatus, MapSubject, Part, TokenMap, TokenSpan, stored_maps
from srt_core.steps.explain import EXPLAIN
from srt_core.steps.jobs import JobState
from srt_core.steps.resident import RESIDENT, StudentChoice
from srt_core.steps.step import Arguments
from srt_core.ui.frame.jobs import last_arguments
from srt_core.ui.frame.palette import NEUTRAL_COLOUR
from srt_core.ui.frame.words import ORIGIN_LABELS
from srt_core.ui.sample.summary import Sample
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project

MOST_PIECES = 600
"""Pieces drawn of one text: more would make the desk slow, and nobody reads them."""
MOST_CHARACTERS = 2_000
"""Characters drawn of one piece: a tokenizer may take a whole line as one unknown token."""
MOST_CHANGED = 5

EDGES = (0.1, 0.5, 1.0, 2.0)
"""Where each strength of colour begins, in nats. The same for all texts, so that two samples can be compared."""

_CONTEXT = {Part.RESPONSE: "instruction", Part.INSTRUCTION: "response"}
_NAMES = {Part.RESPONSE: ("Response", "IFD"), Part.INSTRUCTION: ("Instruction", "r-IFD")}
_WITHOUT = {
    MapStatus.NO_TARGET: "There is nothing to score: the text is empty, or what stands before it fills max length.",
    MapStatus.CONTEXT_TOO_LONG: "System text and earlier turns leave no room for this text within max length.",
    MapStatus.NOT_CARRIED: "The template has no place for the system text or the earlier turns.",
    MapStatus.NON_FINITE: "The student gave no finite number for this text.",
    MapStatus.OTHER_TOKENS: "Behind its context this text becomes other tokens than alone, so none can be compared. "
    "Score with the aligned convention to see this.",
}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a sample as it stands here: its name and colour, what its scores are kept under, its status."""

    label: str
    colour: str
    subject: MapSubject
    status: str | None


def versions(sample: Sample, shown: Origin | None) -> list[Version]:
    """Return the original, the candidate in question, and the standing edit where there is one."""
    origins = [origin for origin in (Origin.ORIGINAL, shown) if origin]
    found = [_version(ORIGIN_LABELS[origin], origin, sample.candidates[origin]) for origin in origins]
    if sample.edit:
        subject = MapSubject("edit_score", sample.edit.event_id)
        found.append(Version("Edited", NEUTRAL_COLOUR, subject, sample.edit.status))
    return found


def _version(label: str, origin: Origin, candidate: Candidate) -> Version:
    return Version(label, ORIGIN_COLOURS[origin], MapSubject("score", candidate.candidate_id), candidate.status)


Shown = dict[str, Any]


def look(project: Project, sample: Sample, shown: Origin | None, *, is_asked: bool) -> Shown:
    """Return the maps that are kept; the others are computed where a student is at hand or somebody asked for them.

    `state` is drawn, offered, waiting or unscored; `says` are sentences beside what is drawn.
    """
    scoring = scoring_in_use(project.store)
    if scoring is None:
        return _unscored("Nothing was scored yet. Token losses belong to a score, so score the project first.")
    scored = [version for version in versions(sample, shown) if version.status]
    if not scored:
        return _unscored("This sample is not scored yet. Score again to see its token losses.")
    maps = {version: stored_maps(project.store, version.subject) for version in scored}
    missing = [version.subject for version in scored if not maps[version]]
    found = {"state": "drawn", "says": []}
    if missing:
        found = _get(project, missing, _arguments(project, scoring, missing), is_asked=is_asked)
    drawn = {version: held for version, held in maps.items() if held}
    return {**found, "columns": [column(version, held) for version, held in drawn.items()]}


def _unscored(text: str) -> Shown:
    return {"state": "unscored", "says": [text], "columns": []}


def _arguments(project: Project, scoring: Scoring, missing: Sequence[MapSubject]) -> Arguments:
    """What the job needs: the subjects, and the student of the scoring on the device that it was scored on."""
    used = last_arguments(project, "score")
    device = used.get("device", "auto") if used.get("student") == scoring.student else "auto"
    subjects = [[subject.table, subject.id] for subject in missing]
    return {"subjects": subjects, "student": scoring.student, "device": device, "dtype": scoring.dtype}


def _get(project: Project, missing: Sequence[MapSubject], arguments: Arguments, *, is_asked: bool) -> Shown:
    """Wait for a job that runs, say why one failed, start one where that is quick or asked for, else offer to."""
    job = project.jobs.latest(EXPLAIN.name)
    is_mine = job is not None and job.arguments == arguments
    failed = job if job and is_mine and job.state is JobState.FAILED else None
    wanted = StudentChoice(arguments["student"], arguments["device"], arguments["dtype"])
    is_quick, is_started = failed is None and RESIDENT.holds(wanted), False
    if not project.jobs.running(EXPLAIN.name) and (is_asked or is_quick):
        try:
            with suppress(ProjectError):  # another session was faster: its job is waited for, then this one starts
                project.start(EXPLAIN.name, arguments)
        except SRTError as refused:  # a student that is not allowed here
            return _offered("Try again", refused.message, refused.hint)
        is_mine, is_started = True, True
    running = project.jobs.running(EXPLAIN.name)
    if running or is_started:  # what was started may have ended already: the next look shows what came of it
        doing = (running[0].progress.message if running else "") or "Starting"
        said = f"{doing} …" if is_mine else "Another sample's token losses are computed first, then these."
        return {"state": "waiting", "says": ["Computing token losses. You can go on meanwhile.", told(said)]}
    if failed:
        error = failed.error
        says = (error.message, error.hint) if error else ("They could not be computed.", "The server's log tells more.")
        return _offered("Try again", *says)
    many = "version" if len(missing) == 1 else "versions"
    said = (
        f"Loads the student of the scores into the server, once, and has it read {len(missing)} {many} of this "
        "sample, with and without its context. Other samples then show theirs by themselves."
    )
    return _offered("Show token losses", said)


def _offered(label: str, *says: str) -> Shown:
    return {"state": "offered", "label": label, "says": [told(each) for each in says]}


# ---- what is drawn of a map


def column(version: Version, maps: Mapping[Part, TokenMap]) -> Shown:
    """Return the maps of one version, the response above the instruction."""
    return {"label": version.label, "colour": version.colour, "blocks": [_block(found) for found in maps.values()]}


def _block(found: TokenMap) -> Shown:
    return {
        "name": _NAMES[found.part][0],
        "says": sentence(found),
        "pieces": pieces(found),
        "notes": _notes(found),
        "changed": _most_changed(found),
    }


def sentence(found: TokenMap) -> str:
    """Say in one sentence what the context did to a text."""
    share = found.easier_share
    if share is None or found.mean_alone is None or found.mean_given is None or found.ratio is None:
        return _WITHOUT.get(found.status, "The text is too short to compare.")
    pieces = len(found.compared)
    unit = "tokens" if pieces == found.tokens_alone == found.tokens_given else "pieces"
    return (
        f"Once the {_CONTEXT[found.part]} is known, {share:.0%} of {pieces:,} {unit} become easier; the loss "
        f"{_move(found.mean_alone, found.mean_given)} nats a token ({_NAMES[found.part][1]} {found.ratio:.2f})."
    )


def _move(before: float, after: float) -> str:
    if f"{before:.2f}" == f"{after:.2f}":
        return f"stays at {after:.2f}"
    return f"{'falls' if after < before else 'rises'} from {before:.2f} to {after:.2f}"


def _notes(found: TokenMap) -> list[str]:
    notes = []
    if len(found.spans) > MOST_PIECES:
        notes.append(f"The first {MOST_PIECES:,} of {len(found.spans):,} pieces are drawn.")
    if found.status is MapStatus.TRUNCATED:
        end = found.spans[-1].end
        notes.append(f"Max length cut the text after {end:,} of {len(found.text):,} characters.")
    return notes


def pieces(found: TokenMap) -> list[tuple[str, int, str]]:
    """Return the text of a map in pieces, each with the strength of its gain and its numbers.

    A strength is 0 to 4, negative where the piece became harder. What no piece spells has no numbers.
    """
    parts: list[tuple[str, int, str]] = []
    end = 0
    for piece in found.spans[:MOST_PIECES]:
        if piece.begin > end:
            parts.append((found.text[end : piece.begin], 0, ""))
        parts.append((_clipped(found.text, piece, MOST_CHARACTERS), _strength(piece.gain), _numbers(piece)))
        end = piece.end
    return parts


def _strength(gain: float | None) -> int:
    if gain is None:
        return 0
    strength = sum(abs(gain) >= edge for edge in EDGES)
    return strength if gain > 0 else -strength


def _clipped(text: str, piece: TokenSpan, most: int) -> str:
    said = text[piece.begin : piece.end]
    return said if len(said) <= most else f"{said[:most]}…"


def _numbers(piece: TokenSpan) -> str:
    alone, given = ("no loss" if loss is None else f"{loss:.2f}" for loss in (piece.alone, piece.given))
    return f"{alone} → {given} nats{_change(piece.gain)}"


def _change(gain: float | None) -> str:
    if gain is None:
        return ""
    return f": {abs(gain):.2f} {'easier' if gain >= 0 else 'harder'}"


def _most_changed(found: TokenMap) -> list[tuple[str, str]]:
    """List the pieces that changed most with their numbers, for those who cannot hover."""
    ordered = sorted(found.compared, key=lambda piece: piece.gain or 0.0)
    easiest = [piece for piece in reversed(ordered[-MOST_CHANGED:]) if (piece.gain or 0.0) > 0]
    hardest = [piece for piece in ordered[:MOST_CHANGED] if (piece.gain or 0.0) < 0]
    return [(_clipped(found.text, piece, 40), _numbers(piece)) for piece in [*easiest, *hardest]]
