"""The Import screen: choose files, see how they are read, say it otherwise where it has to be, and take them in."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st

from srt_core.errors import DatasetError
from srt_core.importing.files import (
    TARGETS,
    ColumnMap,
    Source,
    columns,
    default_map,
    detect,
    knows,
    parse_roles,
    preview,
)
from srt_core.steps.importing import IMPORT, TAKE_LABELS, find_all, options_of
from srt_core.steps.jobs import JobState
from srt_core.ui.frame.form import draw_field
from srt_core.ui.frame.jobs import last_job
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import reporting, show_error
from srt_core.ui.frame.progress import job_panel
from srt_core.ui.importing.log import draw_imports, draw_rejects
from srt_core.ui.importing.outcome import cut, draw_outcome
from srt_core.ui.importing.synthesis import draw_synthesis
from srt_core.ui.importing.upload import choose_file, forget_file, uploads_folder
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.permission import require_allowed
from srt_core.ui.server.runtime import Project

GROUP_LABELS: Mapping[str, str] = {
    "original": "Original pair",
    "reflected": "Rewritten pair",
    "instruction": "Instruction rewrite",
    "response": "Response rewrite",
    "both": "Both rewrites",
}
GROUP_HELP = (
    "A rewritten pair becomes the version Instruction where its instruction or input differs from the original, and "
    "Response where only the response differs. The other three name the version themselves."
)
NEEDED = ("original.instruction", "original.response")
WHOLE = ("original.messages", "original.text")
NONE = "(none)"

# Column names that say by themselves what they are.
_PREFIXES = {"original": ("original", "raw"), "reflected": ("reflected", "revised")}
_PART_NAMES = {"instruction": ("instruction",), "input": ("input",), "response": ("response", "output")}


def render_import(project: Project) -> None:
    """Draw the Import screen of a project."""
    above = st.container()
    path = None
    with reporting():
        path = choose_file()
    with above:
        _draw_job(project, has_file=bool(path))
    with reporting():
        if path:
            _draw_plan(project, path)
    draw_imports(project)
    draw_synthesis(project)
    draw_rejects(project.store)


def _draw_job(project: Project, *, has_file: bool) -> None:
    """Show the import that runs or needs somebody; what came of the last one until another file is chosen."""
    last = last_job(project, "import")
    if last and (project.jobs.running("import") or last.can_resume or not has_file):
        job_panel(project, "import")
        if last.state is JobState.DONE and last.is_live:
            st.page_link("app.py", label="See what to do next", icon=":material/arrow_forward:", query_params=address())


def guess_map(names: Sequence[str]) -> ColumnMap:
    """Map the columns whose names say exactly what they are; empty where there is no whole original pair."""
    by_name = {name.lower().replace("_", " "): name for name in reversed(names)}
    found = default_map(names)
    for group, prefixes in _PREFIXES.items():
        for part, part_names in _PART_NAMES.items():
            spelled = [f"{prefix} {part_name}" for prefix in prefixes for part_name in part_names]
            column = next((by_name[name] for name in spelled if name in by_name), None)
            if column is not None and f"{group}.{part}" not in found:
                found[f"{group}.{part}"] = column
    if "reflected.response" not in found:
        found = {target: column for target, column in found.items() if target.startswith("original.")}
    return found if set(NEEDED) <= set(found) or set(WHOLE) & set(found) else {}


@contextmanager
def _reporting_on(source: Source) -> Iterator[None]:
    """Show a DatasetError with the file's own name: an upload's path on the server says nothing to anybody."""
    try:
        yield
    except DatasetError as error:
        show_error(DatasetError(error.message.replace(source.name, _short(source)), error.hint))


def _short(source: Source) -> str:
    return source.name.rsplit("/", 1)[-1]


def _draw_plan(project: Project, path: str) -> None:
    """Draw what is known of the files, what is to be said of them, and what would come out of the first."""
    key = hashlib.sha256(path.encode()).hexdigest()[:8]
    asked: dict[str, Any] = IMPORT.complete({"paths": [path], "uploaded": str(uploads_folder()) in path})
    require_allowed(IMPORT, asked)
    sources = find_all(asked)
    if len(sources) > 1:
        st.markdown(f"{len(sources):,} files, each of them an import. The first one is shown.")
    asked["encoding"] = _choose("encoding", None, key)
    asked["format"] = _choose_format(sources[0], asked, key)
    if asked["format"] is None:
        return
    with _reporting_on(sources[0]):
        _draw_reading(project, sources[0], asked, key)


def _choose(name: str, begin: Any, key: str, **changed: Any) -> Any:
    return draw_field(IMPORT.argument(name), begin, suffix=f"_{key}", **changed)


def _draw_reading(project: Project, source: Source, asked: dict[str, Any], key: str) -> None:
    with st.expander("How it is read", icon=":material/tune:"):
        asked |= {name: _choose(name, IMPORT.argument(name).default, key) for name in ("turns", "placeholders", "key")}
        asked["roles"] = _choose_roles(key)
        asked["take"] = _choose_take(key)
        asked["separators"] = _choose_separators(key)
    options = options_of(asked)
    names = columns(source, asked["format"], options)
    with st.expander("The file's first records", icon=":material/table_rows:"):
        found = preview(source, asked["format"], options=options)
        records = [{name: cut(str(value)) for name, value in record.fields.items()} for record in found]
        st.dataframe(records, hide_index=True, alt="The first records of the file, as they are.")
    if not names:
        draw_outcome(source, asked, options)
        return
    asked["columns"] = _choose_columns(names, key)
    if asked["columns"] is None:
        st.markdown("Choose the columns of the original's instruction and response to go on.")
        return
    draw_outcome(source, asked, options)
    if project.jobs.running("import"):
        st.markdown("An import is under way. Wait until it is done, or pause it.")
    elif st.button("Import", icon=":material/upload_file:", type="primary", key="start_import", disabled=not may_own()):
        project.start("import", asked)
        forget_file()
        st.rerun()


def _choose_roles(key: str) -> dict[str, str]:
    written = st.text_input(
        "Speakers of other names",
        placeholder="Librarian=assistant, Reader=user",
        help="The usual names are known. Ours are system, user, assistant and tool.",
        key=f"roles_{key}",
    )
    return parse_roles(part for part in written.split(",") if part.strip())


def _choose_take(key: str) -> list[str]:
    return st.pills(
        "Take the texts, and leave aside",
        list(TAKE_LABELS),
        selection_mode="multi",
        format_func=TAKE_LABELS.__getitem__,
        help="Records with these are refused, unless it is said here that their texts are to be taken alone. Such "
        "samples get the mark “Left aside”; what was left aside is kept, and comes back in an export of messages.",
        key=f"take_{key}",
    )


def _choose_separators(key: str) -> list[str]:
    """Ask what stands before the instruction and before the response in a text that holds both."""
    labels = ("In one text: what stands before the instruction", "What stands before the response")
    found = [
        place.text_input(label, key=f"separator_{number}_{key}")
        for number, (place, label) in enumerate(zip(st.columns(2), labels, strict=True))
    ]
    return [each for each in found if each]


def _choose_format(source: Source, asked: Mapping[str, Any], key: str) -> str | None:
    """Ask for the format, the detected one first; None where it is not known."""
    detected: str | None = None
    with _reporting_on(source):
        detected = detect(source, asked["encoding"] or None)
    label = "Format" if detected is None else "Format (detected)"
    chosen: str | None = _choose("format", detected, key, label=label)
    return chosen


def _choose_columns(names: Sequence[str], key: str) -> ColumnMap | None:
    """Ask which column is what; {} where each record's names say it, None where too little was chosen."""
    guessed = guess_map(names)
    st.subheader("Which column is what")
    is_clear = knows(names)
    if is_clear and not st.toggle(
        "Say it by hand",
        value="reflected.response" in guessed,
        help="Without this the names of each record's own columns say what they are.",
        key=f"by_hand_{key}",
    ):
        return {}
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
    return column_map if set(NEEDED) <= set(column_map) or set(WHOLE) & set(column_map) else None


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
