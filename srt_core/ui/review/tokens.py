"""The token losses of a sample: which pieces of a text became easier once its context was known, drawn on the text.

A job computes them (`steps.explain`), the project file keeps them. While one runs, `watch_tokens` looks at it from
outside of Review's own fragment, because a fragment that runs by itself must not stand within another.
"""

import html
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import streamlit as st

from srt_core.errors import ProjectError, SRTError
from srt_core.records import Candidate, Origin
from srt_core.score.scorings import Scoring, scoring_in_use
from srt_core.score.token_maps import MapStatus, MapSubject, Part, TokenMap, TokenSpan, stored_maps
from srt_core.steps.explain import EXPLAIN
from srt_core.steps.jobs import Job, JobState
from srt_core.steps.resident import RESIDENT, StudentChoice
from srt_core.steps.step import Arguments
from srt_core.ui.frame.address import run_page_again
from srt_core.ui.frame.jobs import last_arguments
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import acting, fragment, reporting, show_error, show_kept_error
from srt_core.ui.frame.palette import NEUTRAL_COLOUR, ORIGIN_COLOURS, REFUSED_COLOUR, STUDENT_COLOUR
from srt_core.ui.frame.words import ORIGIN_LABELS
from srt_core.ui.review.desk import Desk
from srt_core.ui.sample.summary import Sample
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project

POLL_SECONDS = 0.5
MOST_PIECES = 600
"""Pieces drawn of one text: more would make every key press slow, and nobody reads them."""
MOST_CHARACTERS = 2_000
"""Characters drawn of one piece: a tokenizer may take a whole line as one unknown token."""
MOST_CHANGED = 5

EDGES = (0.1, 0.5, 1.0, 2.0)
"""Where each strength of colour begins, in nats. The same for all texts, so that two samples can be compared."""
_STRENGTHS = ("26", "4d", "80", "b3")
"""How opaque the colour is, in hexadecimal: text stays readable on it, on a light page and on a dark one."""

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

_GRID = "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,13rem),1fr));gap:0.75rem 2rem"
_TEXT = "white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext;font-size:0.95rem;line-height:1.75"
_SMALL = "font-size:0.85rem;line-height:1.5"
_FAINT = "font-size:0.8rem;opacity:0.7"


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


def watch_tokens(project: Project, desk: Desk) -> None:
    """Look after the job that the desk waits for, and run the page again when it ends. Call it outside any fragment."""
    desk.is_watched = desk.awaits is not None
    fragment(_watch, run_every=POLL_SECONDS if desk.is_watched else None)(project, desk)


def _watch(project: Project, desk: Desk) -> None:
    if desk.awaits is None:
        return
    job = project.jobs.latest(EXPLAIN.name)
    if not (job and job.job_id == desk.awaits and job.state is JobState.RUNNING):
        desk.awaits = None
        run_page_again()


def render_tokens(project: Project, desk: Desk, sample: Sample, shown: Origin | None) -> None:
    """Draw the maps that are kept; compute the others where a student is at hand, else offer to."""
    scoring = scoring_in_use(project.store)
    if scoring is None:
        _say_unscored("Nothing was scored yet. Token losses belong to a score, so score the project first.")
        return
    scored = [version for version in versions(sample, shown) if version.status]
    if not scored:
        _say_unscored("This sample is not scored yet. Score again to see its token losses.")
        return
    maps = {version: stored_maps(project.store, version.subject) for version in scored}
    missing = [version.subject for version in scored if not maps[version]]
    if missing:
        _get(project, desk, missing, _arguments(project, scoring, missing))
    drawn = {version: found for version, found in maps.items() if found}
    if drawn:
        st.html(maps_html(drawn))


def _say_unscored(text: str) -> None:
    st.caption(text)
    st.page_link("pages/3_Score.py", label="Score", icon=PAGES["pages/3_Score.py"][1], query_params=address())


def _arguments(project: Project, scoring: Scoring, missing: Sequence[MapSubject]) -> Arguments:
    """What the job needs: the subjects, and the student of the scoring on the device that it was scored on."""
    used = last_arguments(project, "score")
    device = used.get("device", "auto") if used.get("student") == scoring.student else "auto"
    subjects = [[subject.table, subject.id] for subject in missing]
    return {"subjects": subjects, "student": scoring.student, "device": device, "dtype": scoring.dtype}


def _get(project: Project, desk: Desk, missing: Sequence[MapSubject], arguments: Arguments) -> None:
    """Wait for a job that runs, say why one failed, start one where that is quick, else offer to."""
    job = project.jobs.latest(EXPLAIN.name)
    is_mine = job is not None and job.arguments == arguments
    wanted = StudentChoice(arguments["student"], arguments["device"], arguments["dtype"])
    failed = job if job and is_mine and job.state is JobState.FAILED else None
    if not project.jobs.running(EXPLAIN.name) and failed is None and RESIDENT.holds(wanted):
        with reporting():
            _start(project, desk, arguments)
            is_mine = True
    running = project.jobs.running(EXPLAIN.name)
    if running:
        _wait(desk, running[0], is_mine=is_mine)
        return
    show_kept_error()
    if failed:
        show_error(failed.error or SRTError("The token losses could not be computed.", "The server's log tells more."))
    _offer(project, desk, arguments, len(missing), again=failed is not None)


def _start(project: Project, desk: Desk, arguments: Arguments) -> None:
    with suppress(ProjectError):  # another session was faster: its job is waited for, then this one starts
        project.start(EXPLAIN.name, arguments)
    job = project.jobs.latest(EXPLAIN.name)
    desk.awaits = job.job_id if job else None


def _wait(desk: Desk, job: Job, *, is_mine: bool) -> None:
    desk.awaits = job.job_id
    if not desk.is_watched:  # started from within the fragment: the watch outside of it is drawn by the whole page
        st.rerun()
    doing = job.progress.message or "Starting"
    said = f"{doing} …" if is_mine else "Another sample's token losses are computed first, then these."
    st.markdown(":material/hourglass_top: **Computing token losses.** You can go on meanwhile.")
    st.text(told(said))


def _offer(project: Project, desk: Desk, arguments: Arguments, versions_missing: int, *, again: bool) -> None:
    label = "Try again" if again else "Show token losses"
    st.button(label, key="show_tokens", icon=":material/gradient:", on_click=acting(_start),
              args=(project, desk, arguments))  # fmt: skip
    if not again:
        many = "version" if versions_missing == 1 else "versions"
        st.caption(
            f"Loads the student of the scores into the server, once, and has it read {versions_missing} {many} of "
            "this sample, with and without its context. Other samples then show theirs by themselves."
        )


# ---- drawing: everything of the data is escaped here


def maps_html(drawn: Mapping[Version, Mapping[Part, TokenMap]]) -> str:
    """Render maps as one escaped block: a version a column, the response above the instruction."""
    columns = [_column(version, maps) for version, maps in drawn.items()]
    return f'{_legend()}<div style="{_GRID}">{"".join(columns)}</div>'


def _column(version: Version, maps: Mapping[Part, TokenMap]) -> str:
    head = f"border-top:3px solid {version.colour};padding-top:0.25rem"
    blocks = [_block(found) for found in maps.values()]
    return f'<div><div style="{head}"><b>{html.escape(version.label)}</b></div>{"".join(blocks)}</div>'


def _block(found: TokenMap) -> str:
    name = f'<div style="{_FAINT};margin-top:0.75rem">{_NAMES[found.part][0]}</div>'
    text = f'<div dir="auto" style="{_TEXT}">{map_html(found)}</div>' if found.spans else ""
    notes = [f'<div style="{_FAINT}">{html.escape(note)}</div>' for note in _notes(found)]
    said = f'<div style="{_SMALL};margin-bottom:0.25rem">{html.escape(sentence(found))}</div>'
    return name + said + text + "".join(notes) + _most_changed(found)


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


def map_html(found: TokenMap) -> str:
    """Render the text of a map, each piece in the colour of its gain; what no piece spells stays plain."""
    parts, end = [], 0
    for piece in found.spans[:MOST_PIECES]:
        parts += [html.escape(found.text[end : piece.begin]), _piece(piece, found.text)]
        end = piece.end
    return "".join(parts)


def _piece(piece: TokenSpan, text: str) -> str:
    shown = html.escape(_clipped(text, piece, MOST_CHARACTERS))
    if shown.isspace() and "\n" in shown:
        shown = shown.replace("\n", f'<span aria-hidden="true" style="{_FAINT}">↵</span>\n', 1)
    return f'<span style="{_style(piece.gain)}" title="{_numbers(piece)}">{shown}</span>'


def _clipped(text: str, piece: TokenSpan, most: int) -> str:
    said = text[piece.begin : piece.end]
    return said if len(said) <= most else f"{said[:most]}…"


def _style(gain: float | None) -> str:
    """Colour by strength and direction; the strongest have a line as well, so that they show without colour."""
    if gain is None:
        return f"border-bottom:1px dotted {NEUTRAL_COLOUR}"
    strength = sum(abs(gain) >= edge for edge in EDGES)
    if not strength:
        return ""
    colour = STUDENT_COLOUR if gain > 0 else REFUSED_COLOUR
    line = "solid" if gain > 0 else "wavy"
    strong = f";text-decoration:underline {line};text-underline-offset:4px" if strength == len(EDGES) else ""
    return f"border-radius:2px;background:{colour}{_STRENGTHS[strength - 1]}{strong}"


def _numbers(piece: TokenSpan) -> str:
    alone, given = ("no loss" if loss is None else f"{loss:.2f}" for loss in (piece.alone, piece.given))
    return f"{alone} → {given} nats{_change(piece.gain)}"


def _change(gain: float | None) -> str:
    if gain is None:
        return ""
    return f": {abs(gain):.2f} {'easier' if gain >= 0 else 'harder'}"


def _legend() -> str:
    def swatch(gain: float, label: str) -> str:
        return f'<span style="{_style(gain)};padding:0 0.4rem;margin-right:0.15rem">{label}</span>'

    labels = [f"{edge:g}" for edge in EDGES]
    labels[-1] += " nats or more"
    both = list(zip(EDGES, labels, strict=True))
    harder = "".join(swatch(-edge, label) for edge, label in reversed(both))
    easier = "".join(swatch(edge, label) for edge, label in both)
    words = (
        "Each coloured piece is a token of the student's. The colour says how much easier or harder it is to predict "
        "once the other half of the pair is known; 1 nat easier is 2.7 times as likely. Hover a piece for its numbers."
    )
    scale = f'<div>Harder {harder}<span style="padding:0 0.4rem">the same</span>{easier} easier</div>'
    return f'<div style="{_SMALL};margin-bottom:0.75rem">{scale}<div style="{_FAINT}">{words}</div></div>'


def _most_changed(found: TokenMap) -> str:
    """List the pieces that changed most, folded away: numbers for those who cannot hover."""
    ordered = sorted(found.compared, key=lambda piece: piece.gain or 0.0)
    if not ordered:
        return ""
    easiest = [piece for piece in reversed(ordered[-MOST_CHANGED:]) if (piece.gain or 0.0) > 0]
    hardest = [piece for piece in ordered[:MOST_CHANGED] if (piece.gain or 0.0) < 0]
    rows = "".join(_row(piece, found.text) for piece in [*easiest, *hardest])
    return (
        f'<details style="{_SMALL}"><summary style="{_FAINT}">The pieces that changed most</summary>'
        f'<table style="border-spacing:0.75rem 0">{rows}</table></details>'
    )


def _row(piece: TokenSpan, text: str) -> str:
    shown = html.escape(_clipped(text, piece, 40).replace("\n", "↵"))
    return (
        f'<tr><td style="white-space:pre-wrap;max-width:12rem;overflow-wrap:anywhere"><code>{shown}</code></td>'
        f"<td>{_numbers(piece)}</td></tr>"
    )
