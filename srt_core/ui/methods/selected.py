"""What each method would select from this project, side by side: how much, of which kinds, how alike, how right."""

from collections.abc import Mapping, Sequence

import streamlit as st

from srt_core.methods import SELECTING
from srt_core.project.store import Store
from srt_core.records import Policy
from srt_core.review.trust.beside import Beside, beside
from srt_core.select.compare.overlap import obstacle
from srt_core.select.derive import remembered
from srt_core.select.policy import applied_policy
from srt_core.ui.frame.evidence import RIGHT_HELP, show_no_reads
from srt_core.ui.frame.filter_address import label
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.words import said_of_claim

COMPARE = "pages/12_Compare.py"
_IN_USE = "In use"


def render_selected(store: Store) -> None:
    """Draw the tables. A method that cannot select yet has a row of dashes and the reason."""
    own = {each.label: each.policies[0] for each in SELECTING.values()}
    if (applied := applied_policy(store)) not in own.values():
        own = {_IN_USE: applied, **own}
    why = {name: obstacle(store, policy) for name, policy in own.items()}
    policies = {name: policy for name, policy in own.items() if not why[name]}
    with st.spinner("Counting under each method"):
        found = remembered(beside, store, list(policies.values()))
    st.caption("Each method by its own policy, as its paper or code has it, over the scores in use. One whose scores "
               "or rewrites are not there yet keeps little.")  # fmt: skip
    _draw_kept(list(own), policies, found, why)
    _draw_overlap(list(policies), found)
    _draw_kinds(list(policies), found)
    st.page_link(COMPARE, label="More on Compare: by version and by reason", icon=PAGES[COMPARE][1],
                 query_params=address())  # fmt: skip


def _draw_kept(names: Sequence[str], policies: Mapping[str, Policy], found: Beside, why: Mapping[str, str]) -> None:
    places = {name: place for place, name in enumerate(policies)}
    samples, kept = found.overlap.samples, found.overlap.kept
    rows: list[dict[str, object]] = []
    for name in names:
        if name not in places:
            rows.append({"Method": name, "Policy": why[name]})
            continue
        claims = found.claims[places[name]]
        rows.append(
            {
                "Method": name,
                "Policy": policies[name].name,
                "Keeps": kept[places[name]],
                "Share": 100 * kept[places[name]] / samples,
                "Right": said_of_claim(claims.of_all) if claims else None,
                "Kept": said_of_claim(claims.kept) if claims else None,
                "Read": claims.of_all.reads.read if claims else None,
            }
        )
    number = st.column_config.NumberColumn
    st.dataframe(
        rows,
        hide_index=True,
        placeholder="–",
        column_order=["Method", "Policy", "Keeps", "Share", *(["Right", "Kept", "Read"] if any(found.claims) else [])],
        column_config={
            "Keeps": number(format="localized", help="Samples of which a version is kept."),
            "Share": number(format="%.1f %%", help="Of all samples."),
            "Right": st.column_config.TextColumn("Right of all, by random reads", help=RIGHT_HELP),
            "Kept": st.column_config.TextColumn("Right of what it keeps", help=f"{RIGHT_HELP} Of what it keeps alone."),
            "Read": number("Random reads", format="localized"),
        },
        alt="How many samples each method keeps, and how often it is right by random reads",
    )
    if not any(found.claims):
        show_no_reads("No random reads yet: nothing is known of how often a method agrees with reviewers.")


def _draw_overlap(names: Sequence[str], found: Beside) -> None:
    st.markdown("**Kept by both**: of what the method of a row keeps, the share of which that of a column keeps the "
                "same version")  # fmt: skip
    both = found.overlap.both
    st.dataframe(
        [
            {"Method": name, **{f"{place + 1}": 100 * shared / row[at] if row[at] else None
                                for place, shared in enumerate(row)}}
            for at, (name, row) in enumerate(zip(names, both, strict=True))
        ],
        hide_index=True,
        placeholder="–",
        column_config={f"{place + 1}": st.column_config.NumberColumn(name, format="%.1f %%")
                       for place, name in enumerate(names)},
        alt="Share of what each method keeps that each other one keeps too",
    )  # fmt: skip


def _draw_kinds(names: Sequence[str], found: Beside) -> None:
    st.markdown("**By task**: the share of its samples of which a version is kept")
    st.dataframe(
        [
            {"Task": label(task) if task else "not found yet", "Samples": kind.samples,
             **{f"{place + 1}": 100 * kept / kind.samples for place, kept in enumerate(kind.kept)}}
            for task, kind in found.overlap.kinds.items()
        ],
        hide_index=True,
        column_config={
            "Samples": st.column_config.NumberColumn(format="localized"),
            **{f"{place + 1}": st.column_config.NumberColumn(name, format="%.1f %%")
               for place, name in enumerate(names)},
        },
        alt="Share kept by each method, a row a task",
    )  # fmt: skip
