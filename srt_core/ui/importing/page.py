"""The Import screen: choose a file, say what its columns are, look at what comes out, and take it in."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import streamlit as st

from srt_core.errors import DatasetError
from srt_core.importing.files import (
    TARGETS,
    ColumnMap,
    ImportRow,
    Reject,
    columns,
    default_map,
    detect,
    preview,
    read_rows,
)
from srt_core.importing.files.conversations import KEYS
from srt_core.records import Origin, Pair
from srt_core.steps.importing import IMPORT
from srt_core.ui.frame.form import draw_field
from srt_core.ui.frame.page import address, reporting, show_error
from srt_core.ui.frame.progress import job_panel
from srt_core.ui.frame.words import ORIGIN_LABELS
from srt_core.ui.importing.log import draw_imports, draw_rejects
from srt_core.ui.importing.upload import choose_file, forget_file, uploads_folder
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project

GROUP_LABELS: Mapping[str, str] = {
    "original": "Original pair",
    "reflected": "Rewritten pair",
    "instruction": "Instruction rewrite",
    "response": "Response rewrite",
    "both": "Both rewrites",
}
GROUP_HELP = (
    "A rewritten pair becomes an Instruction candidate where its instruction or input differs from the original, and "
    "a Response candidate where only the response differs. The other three name the candidate themselves."
)
NEEDED = ("original.instruction", "original.response")
PREVIEWED = 5
NONE = "(none)"

# Column names that say by themselves what they are.
_PREFIXES = {"original": ("original", "raw"), "reflected": ("reflected", "revised")}
_PART_NAMES = {"instruction": ("instruction",), "input": ("input",), "response": ("response", "output")}


def render_import(project: Project) -> None:
    """Draw the Import screen of a project."""
    job_panel(project, "import")
    if project.jobs.latest("import") and not project.jobs.running("import"):
        st.page_link("app.py", label="See what to do next", icon=":material/arrow_forward:", query_params=address())
    with reporting():
        if path := choose_file():
            _draw_plan(project, path)
    draw_imports(project.store)
    draw_rejects(project.store)


def guess_map(names: Sequence[str]) -> ColumnMap:
    """Map the columns whose names say exactly what they are; empty where there is no whole original pair."""
    by_name = {name.lower().replace("_", " "): name for name in reversed(names)}
    found = default_map(names) or {}
    for group, prefixes in _PREFIXES.items():
        for part, part_names in _PART_NAMES.items():
            spelled = [f"{prefix} {part_name}" for prefix in prefixes for part_name in part_names]
            column = next((by_name[name] for name in spelled if name in by_name), None)
            if column is not None and f"{group}.{part}" not in found:
                found[f"{group}.{part}"] = column
    if "reflected.response" not in found:
        found = {target: column for target, column in found.items() if target.startswith("original.")}
    return found if set(NEEDED) <= set(found) else {}


@contextmanager
def _reporting_on(path: Path) -> Iterator[None]:
    """Show a DatasetError with the file's own name: an upload's path on the server says nothing to anybody."""
    try:
        yield
    except DatasetError as error:
        show_error(DatasetError(error.message.replace(str(path), path.name), error.hint))


def _draw_plan(project: Project, path: Path) -> None:
    """Draw what is known of the file, what is to be said of it, and what would come out of it."""
    key = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    format = _choose_format(path, key)
    if format is None:
        return
    with _reporting_on(path):
        _draw_reading(project, path, format, key)


def _draw_reading(project: Project, path: Path, format: str, key: str) -> None:
    names = columns(path, format)
    with st.expander("The file's first records", icon=":material/table_rows:"):
        records = [{name: str(value) for name, value in record.fields.items()} for record in preview(path, format)]
        st.dataframe(records, hide_index=True, alt="The first records of the file, as they are.")
    is_table = not _holds_conversations(names, format)
    column_map = _choose_columns(names, key) if is_table else {}
    first_turn_only = not is_table and draw_field(IMPORT.argument("first_turn_only"), False, suffix=f"_{key}")
    if is_table and not set(NEEDED) <= set(column_map):
        st.markdown("Choose the columns of the original's instruction and response to go on.")
        return
    _draw_outcome(path, format, column_map, first_turn_only)
    if project.jobs.running("import"):
        st.markdown("An import is under way. Wait until it is done, or pause it.")
    elif st.button("Import", icon=":material/upload_file:", type="primary", key="start_import", disabled=not may_own()):
        project.start("import", {
            "path": str(path.resolve()),
            "format": format,
            "columns": column_map,
            "first_turn_only": first_turn_only,
            "uploaded": uploads_folder() in path.parents,
        })  # fmt: skip
        forget_file()
        st.rerun()


def _choose_format(path: Path, key: str) -> str | None:
    """Ask for the format, the detected one first; None where it is not known."""
    detected: str | None = None
    with _reporting_on(path):
        detected = detect(path)
    label = "Format" if detected is None else "Format (detected)"
    chosen: str | None = draw_field(IMPORT.argument("format"), detected, suffix=f"_{key}", label=label)
    return chosen


def _holds_conversations(names: Sequence[str], format: str) -> bool:
    return format == "messages" or (default_map(names) is None and bool(set(KEYS) & set(names)))


def _choose_columns(names: Sequence[str], key: str) -> ColumnMap:
    guessed = guess_map(names)
    st.subheader("Which column is what")
    rewrites = [group for group in GROUP_LABELS if group != "original"]
    chosen = st.pills(
        "The file also holds",
        rewrites,
        selection_mode="multi",
        default=["reflected"] if "reflected.response" in guessed else [],
        format_func=GROUP_LABELS.__getitem__,
        help=GROUP_HELP,
        key=f"groups_{key}",
    )
    column_map: ColumnMap = {}
    for group in ("original", *(group for group in rewrites if group in chosen)):
        st.markdown(f"**{GROUP_LABELS[group]}**")
        targets = [target for target in TARGETS if target.startswith(f"{group}.")]
        for place, target in zip(st.columns(len(targets)), targets, strict=True):
            column = _choose_column(place, target, names, guessed.get(target), key)
            if column is not None:
                column_map[target] = column
    return column_map


def _choose_column(
    place: "st.delta_generator.DeltaGenerator", target: str, names: Sequence[str], guess: str | None, key: str
) -> str | None:
    """Ask for the column of one target. Options are places in `names`: a column may itself be called "(none)"."""
    options = [None, *range(len(names))]
    found = place.selectbox(
        target.split(".")[1].capitalize(),
        options,
        index=names.index(guess) + 1 if guess else 0,
        format_func=lambda option: NONE if option is None else names[option],
        key=f"map_{target}_{key}",
    )
    return None if found is None else names[found]


def _draw_outcome(path: Path, format: str, column_map: ColumnMap, first_turn_only: bool) -> None:
    """Show what the first rows would become; DatasetError where the mapping does not fit."""
    st.subheader("What comes out")
    rows = list(islice(read_rows(path, format, column_map or None, first_turn_only), PREVIEWED))
    st.dataframe(
        [shown for row in rows for shown in _shown(row)],
        hide_index=True,
        column_config={name: st.column_config.TextColumn(width="medium") for name in ("Instruction", "Input")},
        alt="The first rows as pairs: originals, the candidates beside them, and what would be rejected.",
    )


def _shown(row: ImportRow | Reject) -> list[dict[str, object]]:
    if isinstance(row, Reject):
        return [_line(row.row, "Rejected", Pair(row.raw, ""), row.reason)]
    pairs: dict[Origin, Pair] = {Origin.ORIGINAL: row.original, **row.candidates}
    good = [_line(row.row, ORIGIN_LABELS[origin], pair) for origin, pair in pairs.items()]
    return good + [_line(row.row, ORIGIN_LABELS[origin], Pair("", ""), why) for origin, why in row.refused.items()]


def _line(row: int, version: str, pair: Pair, problem: str = "") -> dict[str, object]:
    texts = {"Instruction": pair.instruction, "Input": pair.input, "Response": pair.response}
    return {"Row": row, "Version": version, "Problem": problem, **texts}
