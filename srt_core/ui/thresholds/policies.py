"""Policies side by side: what each keeps and drops, how well it agrees with people, and how alike they are."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from srt_core.project.store import Row
from srt_core.records import Origin, Policy, Reason
from srt_core.select.compare.side_by_side import MOST, Outcome, SideBySide, side_by_side
from srt_core.select.derive import remembered
from srt_core.select.policy import applied_policy, differing, saved_policies
from srt_core.ui.frame.words import MEASURE_HELP, ORIGIN_LABELS, REASON_LABELS
from srt_core.ui.server.runtime import Project
from srt_core.ui.thresholds.figures import interval_dots, kept_bars

_IN_USE = "In use"
_DIALS = "Dials"
CHART_WIDTH = 440
_CONFIG = {"displayModeBar": False}


def render_side_by_side(project: Project, policy: Policy) -> None:
    """Draw the choice of policies, the table and the charts."""
    offered = _offered(project, policy)
    first = [_IN_USE] + ([_DIALS] if _DIALS in offered else [])
    others = [name for name in offered if name not in first]
    chosen = st.multiselect(
        "Beside the policy in use" + (" and the dials" if _DIALS in offered else ""),
        others,
        key="beside",
        max_selections=MOST - len(first),
        placeholder="Choose policies",
        help="Presets, and policies that you saved.",
    )
    names = [*first, *(name for name in chosen if name in offered)]
    if len(names) < 2:  # noqa: PLR2004
        st.markdown("Choose a policy to set beside the one in use, or turn a dial.")
        return
    with st.spinner("Counting under each policy"):
        found = remembered(side_by_side, project.store, [offered[name] for name in names])
    _draw_table(names, found)
    _draw_charts(names, found)
    _draw_pairs(names, found)


def _offered(project: Project, policy: Policy) -> dict[str, Policy]:
    """Return the policies to compare, by what they are called here; "Dials" only where they stand elsewhere."""
    applied = applied_policy(project.store)
    dialled = {_DIALS: policy} if differing(policy, applied) else {}
    return {**saved_policies(project.store), _IN_USE: applied, **dialled}


def _draw_table(names: Sequence[str], found: SideBySide) -> None:
    number = st.column_config.NumberColumn
    st.dataframe(
        [_row(name, outcome, found.samples) for name, outcome in zip(names, found.outcomes, strict=True)],
        hide_index=True,
        column_config={
            "Kept": number(format="localized", help="Samples of which a version is kept."),
            "Share": number(format="%.1f %%", help="Of all samples."),
            **{label: number(format="localized") for label in (*ORIGIN_LABELS.values(), *REASON_LABELS.values())},
            "IFD": number("Mean IFD", format="%.3f", help=f"Of what is kept. {MEASURE_HELP['ifd']}"),
            "r-IFD": number("Mean r-IFD", format="%.3f", help=f"Of what is kept. {MEASURE_HELP['r_ifd']}"),
            "Growth": number("Mean growth", format="%.2f", help=f"Of kept rewrites. {MEASURE_HELP['growth']}"),
            "Agrees": st.column_config.TextColumn(
                "Agrees with people",
                help="Of the decided samples, and the 95 % interval for what people would decide on others like them.",
            ),
        },
        alt="What each policy keeps, drops and agrees on",
    )


def _row(name: str, outcome: Outcome, samples: int) -> Row:
    dropped = {REASON_LABELS[reason]: n for reason, n in outcome.by_reason.items() if reason != Reason.KEPT}
    return {
        "Policy": _named(name, outcome.policy),
        "Kept": outcome.kept,
        "Share": 100 * outcome.kept / samples if samples else None,
        **{ORIGIN_LABELS[origin]: outcome.by_origin[origin] for origin in Origin},
        "Agrees": _agreement(outcome),
        "IFD": outcome.ifd.value,
        "r-IFD": outcome.r_ifd.value,
        "Growth": outcome.growth.value,
        **dropped,
    }


def _named(name: str, policy: Policy) -> str:
    return f"{name}: {policy.name}" if name in (_IN_USE, _DIALS) else name


def _agreement(outcome: Outcome) -> str:
    found = _share(outcome)
    return f"{found[0]:.1%} ({found[1]:.1%} to {found[2]:.1%})" if found else "nobody decided yet"


def _draw_charts(names: Sequence[str], found: SideBySide) -> None:
    labels = [escape(_short(_named(name, each.policy)), quote=False)
              for name, each in zip(names, found.outcomes, strict=True)]  # fmt: skip
    with st.container(horizontal=True, gap="large"):
        with st.container(width=CHART_WIDTH):
            st.markdown("**Kept, by version**")
            figure = kept_bars(labels, [outcome.by_origin for outcome in found.outcomes])
            st.plotly_chart(figure, key="beside_kept", config=_CONFIG, alt="Samples kept by version, a bar a policy")
        if found.outcomes[0].agreement.n:
            with st.container(width=CHART_WIDTH):
                st.markdown("**Agreement with people, with its 95 % interval**")
                figure = interval_dots(labels, [_share(each) for each in found.outcomes], "of the decided samples")
                st.plotly_chart(figure, key="beside_people", config=_CONFIG,
                                alt="Agreement with people, a dot a policy, with its interval")  # fmt: skip


def _share(outcome: Outcome) -> tuple[float, float, float] | None:
    share, ends = outcome.agreement.estimate, outcome.agreement.exact()
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
