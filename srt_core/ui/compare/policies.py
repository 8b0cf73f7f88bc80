"""Policies and methods side by side: what each keeps, how often it is right by random reads, and how alike they are."""

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from srt_core.methods import SELECTING
from srt_core.project.store import Row
from srt_core.records import Origin, Policy, Reason
from srt_core.review.trust.audits.evidence import claims
from srt_core.review.trust.claims import Claim
from srt_core.select.compare.overlap import obstacle
from srt_core.select.compare.side_by_side import MOST, Outcome, SideBySide, side_by_side
from srt_core.select.derive import remembered
from srt_core.select.policy import applied_policy, differing, saved_policies
from srt_core.ui.compare.figures import interval_dots, kept_bars
from srt_core.ui.frame.charts import DOWNLOAD
from srt_core.ui.frame.evidence import RIGHT_HELP, show_no_reads
from srt_core.ui.frame.words import MEASURE_HELP, ORIGIN_LABELS, REASON_LABELS, said_of_claim
from srt_core.ui.server.runtime import Project

_IN_USE = "In use"
_SET = "As set"
CHART_WIDTH = 440


def render_policies(project: Project, policy: Policy) -> None:
    """Draw the choice of policies, the table and the charts."""
    offered = _offered(project, policy)
    first = [_IN_USE] + ([_SET] if _SET in offered else [])
    others = [name for name in offered if name not in first]
    applied = offered[_IN_USE]
    akin = [name for name in others if offered[name].method == applied.method and differing(offered[name], applied)]
    chosen = st.multiselect(
        "Beside the policy in use" + (" and the limits as set" if _SET in offered else ""),
        others,
        default=akin[: MOST - len(first)],
        key="beside",
        max_selections=MOST - len(first),
        placeholder="Choose policies",
        help="Presets, and policies that you saved.",
    )
    names = [*first, *(name for name in chosen if name in offered)]
    if len(names) < 2:  # noqa: PLR2004
        st.markdown("Choose a policy to set beside the one in use, or move a limit on Thresholds.")
        return
    _draw(project, {name: offered[name] for name in names})


def render_methods(project: Project, policy: Policy) -> None:
    """Draw the policy in use beside each method's own, as its paper or code has it."""
    st.caption("The policy in use beside each method as its paper or code has it. A method whose scores or rewrites "
               "are not there yet keeps little: the columns at the right say why.")  # fmt: skip
    own = {method.label: method.policies[0] for method in SELECTING.values()}
    why = {label: obstacle(project.store, each) for label, each in own.items()}
    _draw(project, {_IN_USE: applied_policy(project.store), **{label: own[label] for label in own if not why[label]}})
    for label, reason in why.items():
        if reason:
            st.text(f"{label}: {reason}")


def _draw(project: Project, policies: Mapping[str, Policy]) -> None:
    names = list(policies)
    with st.spinner("Counting under each policy"):
        found = remembered(side_by_side, project.store, list(policies.values()))
    found_claims = [remembered(claims, project.store, policy) for policy in policies.values()]
    right = [each.of_all if each else None for each in found_claims]
    _draw_table(names, found, right)
    _draw_charts(names, found, right)
    _draw_pairs(names, found)


def _offered(project: Project, policy: Policy) -> dict[str, Policy]:
    """Return the policies to compare, by what they are called here; "As set" only where the limits stand elsewhere."""
    applied = applied_policy(project.store)
    as_set = {_SET: policy} if differing(policy, applied) else {}
    return {**saved_policies(project.store), _IN_USE: applied, **as_set}


def _draw_table(names: Sequence[str], found: SideBySide, right: Sequence[Claim | None]) -> None:
    """Draw a row a policy; columns that are the same nothing for all are left out."""
    number = st.column_config.NumberColumn
    rows = [
        _row(name, outcome, claim, found.samples)
        for name, outcome, claim in zip(names, found.outcomes, right, strict=True)
    ]
    empty = {column for column in rows[0] if column != "Kept" and not any(row.get(column) for row in rows)}
    st.dataframe(
        [{column: value for column, value in row.items() if column not in empty} for row in rows],
        hide_index=True,
        placeholder="–",
        column_config={
            "Kept": number(format="localized", help="Samples of which a version is kept."),
            "Share": number(format="%.1f %%", help="Of all samples."),
            **{label: number(format="localized") for label in (*ORIGIN_LABELS.values(), *REASON_LABELS.values())},
            "IFD": number("Mean IFD", format="%.3f", help=f"Of what is kept. {MEASURE_HELP['ifd']}"),
            "r-IFD": number("Mean r-IFD", format="%.3f", help=f"Of what is kept. {MEASURE_HELP['r_ifd']}"),
            "Growth": number("Mean growth", format="%.2f", help=f"Of kept rewrites. {MEASURE_HELP['growth']}"),
            "Right": st.column_config.TextColumn(
                "Right, by random reads",
                help=f"{RIGHT_HELP} With the 95 % interval of each by itself: the best of several seems better.",
            ),
        },
        alt="What each policy keeps and leaves out, and how often it is right",
    )
    if "Right" in empty:
        show_no_reads()


def _row(name: str, outcome: Outcome, right: Claim | None, samples: int) -> Row:
    left_out = {REASON_LABELS[reason]: n for reason, n in outcome.by_reason.items() if reason != Reason.KEPT}
    return {
        "Policy": _named(name, outcome.policy),
        "Kept": outcome.kept,
        "Share": 100 * outcome.kept / samples if samples else None,
        **{ORIGIN_LABELS[origin]: outcome.by_origin[origin] for origin in Origin},
        "Right": said_of_claim(right) if right and right.reads.read else None,
        "IFD": outcome.ifd.value,
        "r-IFD": outcome.r_ifd.value,
        "Growth": outcome.growth.value,
        **left_out,
    }


def _named(name: str, policy: Policy) -> str:
    return f"{name}: {policy.name}" if name in (_IN_USE, _SET) else name


def _draw_charts(names: Sequence[str], found: SideBySide, right: Sequence[Claim | None]) -> None:
    labels = [escape(_short(_named(name, each.policy)), quote=False)
              for name, each in zip(names, found.outcomes, strict=True)]  # fmt: skip
    with st.container(horizontal=True, gap="large"):
        with st.container(width=CHART_WIDTH):
            st.markdown("**Kept, by version**")
            figure = kept_bars(labels, [outcome.by_origin for outcome in found.outcomes])
            st.plotly_chart(figure, key="beside_kept", config=DOWNLOAD, alt="Samples kept by version, a bar a policy")
        if any(claim and claim.reads.read for claim in right):
            with st.container(width=CHART_WIDTH):
                st.markdown("**Right by random reads, with its 95 % interval**")
                figure = interval_dots(labels, [_share(claim) for claim in right], "of the samples that were read")
                st.plotly_chart(figure, key="beside_people", config=DOWNLOAD,
                                alt="Right by random reads, a dot a policy, with its interval")  # fmt: skip


def _share(claim: Claim | None) -> tuple[float, float, float] | None:
    share, ends = (claim.reads.share, claim.interval) if claim else (None, None)
    return None if share is None or ends is None else (share, ends.low, ends.high)


def _short(name: str, most: int = 32) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _draw_pairs(names: Sequence[str], found: SideBySide) -> None:
    st.markdown("**How alike they are**: samples with the same outcome, the same version or none")
    titles = [_named(name, outcome.policy) for name, outcome in zip(names, found.outcomes, strict=True)]
    st.dataframe(
        [
            {"Policy": title, **{f"{place + 1}": 100 * same / found.samples for place, same in enumerate(row)}}
            for title, row in zip(titles, found.same, strict=True)
            if found.samples
        ],
        hide_index=True,
        column_config={
            f"{place + 1}": st.column_config.NumberColumn(f"As row {place + 1}", format="%.1f %%")
            for place in range(len(titles))
        },
        alt="Share of samples on which each two policies have the same outcome",
    )
