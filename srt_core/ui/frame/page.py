"""The frame of every page: its title, the sidebar, the project in the address, and the one place that shows errors."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import streamlit as st

from srt_core.errors import PolicyError, SRTError
from srt_core.methods import PRESETS
from srt_core.people import LoginMethod
from srt_core.review.status import steps_done
from srt_core.select.derive import refresh
from srt_core.select.policy import applied_policy
from srt_core.select.selection import apply
from srt_core.ui.frame.address import keep_to_address, put_in_address, remember_address
from srt_core.ui.frame.job_lines import draw_job_lines
from srt_core.ui.frame.navigation import PAGES, address, draw_links
from srt_core.ui.frame.tour import draw_tour, remember_tour
from srt_core.ui.server.gate import logout_path
from srt_core.ui.server.identity import is_owner, may_own, note_project, require_owner, visitor, who_owns
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project, open_project, opening_words, project_paths

Arguments = ParamSpec("Arguments")

OWNERS_DO = {
    "pages/1_Import.py": "import",
    "pages/2_Reflect.py": "run the teacher",
    "pages/3_Score.py": "run the student and choose the scoring in use",
    "pages/14_Methods.py": "put a method in use",
    "pages/5_Thresholds.py": "apply or save a policy",
    "pages/7_Trust.py": "draw an audit and approve on its evidence",
    "pages/8_Export.py": "export",
    "pages/13_Runs.py": "train a student",
    "pages/15_Coach.py": "have a coach revise",
    "pages/10_People.py": "add people and share queues out",
}
"""What of a page only owners may do."""
SIDEBAR_WIDTH = 224
"""Pixels: the room is for the page."""


def show_page(page: str, render: Callable[[Project], None], *, has_own_title: bool = False) -> None:
    """Draw a page (a key of PAGES): its frame, then what is on it; what goes wrong in that is said where it stands.

    `has_own_title` leaves the title to what is on the page, which begins where it would stand.
    """
    project = setup_page(page, has_own_title=has_own_title)
    with reporting():
        render(project)


def fragment(draw: Callable[Arguments, None], run_every: float | None = None) -> Callable[Arguments, None]:
    """Make a part of a page that can run by itself, and says then too what goes wrong in it."""

    @wraps(draw)
    def reported(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        with reporting():
            keep_to_address()
            draw(*args, **kwargs)

    return st.fragment(reported, run_every=run_every)


def setup_page(page: str, *, has_own_title: bool = False) -> Project:
    """Draw the frame of a page (a key of PAGES) and return the project it works on.

    Every page begins so and is complete without app.py, so a deep link works on a fresh server. Stops the
    page, with the reason shown, where the project cannot be opened.
    """
    title, _ = PAGES[page]
    # No page_icon: Streamlit would have the browser fetch a Material icon from another host.
    st.set_page_config(page_title=f"{title} · srt", layout="wide", initial_sidebar_state=SIDEBAR_WIDTH)
    with reporting(stop=True):  # nothing of a project before it is known who looks
        visitor()
    remember_address()
    remember_tour()
    paths = project_paths()
    with st.sidebar:
        name = _choose_project(list(paths))
        _draw_person()
        below = st.empty()
        with below.container(gap="xxsmall"):  # the way out of a project that does not open, or takes long
            draw_links(())
    if not has_own_title:
        _draw_title(title, name)
    draw_tour(page)
    if page in OWNERS_DO and not is_owner():
        st.text(f"You are a curator here, and may look. Only an owner may {OWNERS_DO[page]}. {who_owns()}")
    show_kept_error()
    if name not in paths:
        show_error(SRTError(f"There is no project {name}.", "Choose one in the sidebar, or create it on the Overview."))
        st.stop()
    with reporting(stop=True):
        project = _open(paths[name])
        note_project(is_read_only=project.store.is_read_only)
        _show_notices(project)
        _require_policy(project)
        with below.container(gap="xxsmall"):
            draw_job_lines(project, page)
            draw_links(steps_done(project.store))
        return project
    raise AssertionError("reporting(stop=True) stops the page")


def _draw_title(title: str, project: str) -> None:
    """Draw the title, with the project and who works on it, which stay in view where the sidebar is folded away."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(title, anchor=False, width="stretch")
        st.text(f"{project} · {curator()}", width="content")


READ_ONLY = (
    "This project may only be read: its file or folder is not writable for whoever started the app. Nothing that you "
    "do here can be saved. To work on it, open a copy (srt copy), or make file and folder writable and start again."
)
_SEEN = "notices|seen"


def _show_notices(project: Project) -> None:
    """Say that a project may only be read, and what was found when it was opened, until it is called seen."""
    if project.store.is_read_only:
        st.text(READ_ONLY)
    seen: set[Path] = st.session_state.setdefault(_SEEN, set())
    if project.store.notices and project.store.path not in seen:
        with st.container(border=True):
            for notice in project.store.notices:
                st.text(told(notice))
            st.button(
                "Seen", icon=":material/check:", key="notices_seen", on_click=seen.add, args=(project.store.path,)
            )


def _open(path: Path) -> Project:
    words = opening_words(path)
    if words is None:
        return open_project(path)
    with st.spinner(words):
        project = open_project(path)
        with suppress(PolicyError):  # said next
            refresh(project.store)  # which takes its time, too, where the file was converted
        return project


def _require_policy(project: Project) -> None:
    """Where the policy in use cannot be applied, say why, offer the presets in its place, and stop the page."""
    try:
        applied_policy(project.store)
    except PolicyError as error:
        with st.container(border=True):
            st.markdown(":material/rule: **Another policy is needed**")
            st.text(error.message)
            st.text(
                "Put one of the presets in use, or put the file of the method back and start the app again. "
                "Reviewers' decisions stay as they are."
            )
            with st.container(horizontal=True, vertical_alignment="bottom"):
                name = st.selectbox("Preset", list(PRESETS), key="preset", width=320)
                st.button("Use this policy", type="primary", icon=":material/check:", key="use_preset",
                          on_click=_use_preset, args=(project, name), disabled=not may_own())  # fmt: skip
        st.stop()


def curator() -> str:
    """Name the person at the screen: a proxy's header or a login where there is one, else the sidebar's name box."""
    return visitor().person.name


@contextmanager
def reporting(*, stop: bool = False) -> Iterator[None]:
    """Show an SRTError of the block where it stands, instead of breaking the page; `stop` ends the page there."""
    try:
        yield
    except SRTError as error:
        show_error(error)
        if stop:
            st.stop()


def acting(callback: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Make a widget's callback keep an SRTError for `show_kept_error`: a callback has no place on the page."""

    @wraps(callback)
    def keep_error(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            keep_to_address()
            callback(*args, **kwargs)
        except SRTError as error:
            st.session_state["error"] = error

    return keep_error


def acting_as_owner(callback: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Make a widget's callback that only an owner may run: anybody else's click does nothing but say so."""

    @acting
    @wraps(callback)
    def check_first(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        require_owner()
        callback(*args, **kwargs)

    return check_first


def show_kept_error() -> None:
    """Show once what a callback ran into: at the top of a page, and in a fragment that has callbacks of its own."""
    if error := st.session_state.pop("error", None):
        show_error(error)


def show_error(error: SRTError) -> None:
    """Show what went wrong and what to do next, as plain text: both may quote a file or a server."""
    with st.container(border=True):
        st.markdown(":material/error: **That did not work**")
        st.text(told(error.message))
        if error.hint:
            st.text(told(error.hint))


def show_warnings(lines: Sequence[str]) -> None:
    """Show what to know before something is started, as plain text: a line may quote a model's files."""
    if lines:
        with st.container(border=True):
            st.markdown(":material/warning: **Before you start**")
            for line in lines:
                st.text(told(line))


def show_empty(text: str, page: str, label: str) -> None:
    """Show what to do on a page that has nothing to show yet: a sentence of ours and a link."""
    with st.container(border=True):
        st.markdown(text)
        st.page_link(page, label=label, icon=PAGES[page][1], query_params=address())


# The address alone says which project and whose name. `bind="query-params"` would not do here: it ties a parameter to
# one page's script, and Streamlit then drops it on the way to any other page.


def _choose_project(names: list[str]) -> str:
    asked = st.query_params.get("project")
    if not asked:
        asked = names[0]
        put_in_address("project", asked)
    st.session_state["project"] = asked
    options = names if asked in names else [asked, *names]
    return str(st.selectbox("Project", options, key="project", on_change=_follow, args=("project",)))


def _draw_person() -> None:
    """Name who is logged in, with the way out; where nobody has to log in, ask for a name."""
    here = visitor()
    if here.login.way is not LoginMethod.LOCAL:
        st.text(f"{here.person.name} · {here.person.role}")
        if here.login.way is not LoginMethod.PROXY:
            st.html(f'<a href="{logout_path()}" target="_self">Log out</a>')
        return
    st.session_state["curator"] = st.query_params.get("curator", "")
    st.text_input("Your name", key="curator", on_change=_follow, args=("curator",), placeholder="curator",
                  help="Stands beside your decisions in the history.")  # fmt: skip


@acting_as_owner
def _use_preset(project: Project, name: str) -> None:
    apply(project.store, PRESETS[name], curator())


def _follow(name: str) -> None:
    put_in_address(name, st.session_state[name] or "")
