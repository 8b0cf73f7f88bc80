"""Two students side by side: how alike they score and select, and which of them is to select."""

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from srt_core.records import Policy
from srt_core.score.scorings import COMPARED, ListedScoring, Scoring, scorings, use_scoring
from srt_core.select.compare import students as agreement
from srt_core.select.compare.students import POINTS, Agreement, SameSelections
from srt_core.select.derive import remembered
from srt_core.ui.explore.figures import density, mark_equal, scatter
from srt_core.ui.frame.charts import DOWNLOAD
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import curator
from srt_core.ui.frame.words import MEASURE_LABELS
from srt_core.ui.server.identity import may_own, require_owner
from srt_core.ui.server.permission import told
from srt_core.ui.server.runtime import Project

CHART_WIDTH = 420
CHART_HEIGHT = 360
NAME_CHARACTERS = 40
SCORE = "pages/3_Score.py"

Two = tuple[int, int]


def render_students(project: Project, policy: Policy) -> None:
    """Draw the comparison, over the whole project; `policy` has no say in it."""
    pairs = agreement.comparable(project.store)
    if not pairs:
        st.markdown("There is one student here, or several whose numbers mean different things. Score with another "
                    "student, in the same convention, to compare the two.")  # fmt: skip
        st.page_link(SCORE, label="Score", icon=PAGES[SCORE][1], query_params=address())
        return
    known = {scoring.scoring_id: scoring for scoring in scorings(project.store)}
    chosen = _choose_two(known, pairs)
    with st.container(horizontal=True, gap="large"):
        for measure in COMPARED:
            with st.container(width=CHART_WIDTH):
                _draw_measure(project, known, chosen, measure)
    st.markdown(_said_of_selections(remembered(agreement.same_selections, project.store, *chosen)))
    _draw_use(project, known, chosen)


def _choose_two(known: Mapping[int, ListedScoring], pairs: Sequence[Two]) -> Two:
    numbers = sorted({number for pair in pairs for number in pair})
    first = next((number for number in numbers if known[number].in_use), numbers[0])
    with st.container(horizontal=True):
        one = st.selectbox("Student", numbers, numbers.index(first), key="students_one", width=CHART_WIDTH,
                           format_func=lambda number: _label(known[number]))  # fmt: skip
        partners = [number for number in numbers if (min(one, number), max(one, number)) in pairs]
        other = st.selectbox("Beside it", partners, key=f"students_other|{one}", width=CHART_WIDTH,
                             format_func=lambda number: _label(known[number]),
                             help="Scorings of the same convention: the numbers of two conventions mean different "
                                  "things.")  # fmt: skip
    st.caption("Over the whole project. On the dashed line both give the same number.")
    return one, other


def _draw_measure(project: Project, known: Mapping[int, ListedScoring], chosen: Two, measure: str) -> None:
    label = MEASURE_LABELS[measure]
    found = remembered(agreement.agreement, project.store, *chosen, measure)
    st.markdown(f"**{label}**: {_said_of(found)}")
    if not found.candidates:
        return
    x_title, y_title = (escape(_label(known[number]), quote=False) for number in chosen)
    if found.candidates > POINTS:
        edges = remembered(agreement.shared_edges, project.store, *chosen, measure)
        figure = density(
            edges, edges, remembered(agreement.density, project.store, *chosen, measure, edges), x_title, y_title
        )
        figure.update_layout(height=CHART_HEIGHT, dragmode="zoom").update_traces(showscale=False)
        mark_equal(figure, edges[0], edges[-1])
    else:
        figure = scatter(
            remembered(agreement.points, project.store, *chosen, measure), x_title, y_title, height=CHART_HEIGHT
        )
    st.plotly_chart(figure, key=f"students_{measure}", config=DOWNLOAD,
                    alt=f"{label} from both students, {found.candidates:,} versions")  # fmt: skip


def _said_of(found: Agreement) -> str:
    if found.rho is None:
        return f"no rank correlation of {found.candidates:,} versions: too few, or all the same for one student."
    return f"Spearman's ρ **{found.rho:.3f}** over {found.candidates:,} versions"


def _said_of_selections(found: SameSelections) -> str:
    return (
        f"Under the policy in use both select the same for **{found.same / found.samples:.0%}** of "
        f"{found.samples:,} samples, counting those that both leave out. Of {found.kept:,} samples that at least one "
        f"of them keeps, both keep the same version of **{found.kept_same:,}**."
    )


def _draw_use(project: Project, known: Mapping[int, ListedScoring], chosen: Two) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for number in chosen:
            if known[number].in_use:
                st.markdown(f":material/check_circle: Number {number} is in use and selects.", width="content")
            elif st.button(f"Let number {number} select", key=f"students_use_{number}", icon=":material/swap_horiz:",
                           help="Every screen then shows its scores. Decisions stay as they are.",
                           disabled=not may_own()):  # fmt: skip
                require_owner()
                use_scoring(project.store, number, curator())
                st.rerun()


def _label(scoring: Scoring) -> str:
    """Name a scoring by its number, and by the last two parts of its student's path. Not for markdown."""
    name = "/".join(told(str(scoring.student)).replace("\\", "/").rstrip("/").split("/")[-2:])
    short = name if len(name) <= NAME_CHARACTERS else f"…{name[1 - NAME_CHARACTERS :]}"
    return f"Number {scoring.scoring_id} · {short} · {scoring.template}"
