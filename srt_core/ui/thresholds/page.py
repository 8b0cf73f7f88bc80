"""The Thresholds screen: turn the dials of the rule, see what would change, read it, apply it."""

from dataclasses import replace
from urllib.parse import urlencode

import streamlit as st

from srt_core.errors import PolicyError
from srt_core.methods import DIALS, METHODS, Method
from srt_core.project.candidates import count_samples
from srt_core.records import Policy, Reason
from srt_core.review.status import describe_export
from srt_core.review.trust.audits.evidence import audit_of_all, claims
from srt_core.review.trust.claims import FIXED_BEFORE
from srt_core.select import selection
from srt_core.select.compare.whatif import Change, Comparison, compare
from srt_core.select.derive import remembered
from srt_core.select.policy import (
    applied_policy,
    delete_policy,
    differing,
    find_policy,
    own_policies,
    save_policy,
    saved_policies,
    unusable_policies,
)
from srt_core.ui.frame.evidence import NO_READS, RIGHT_HELP, counts, render_agreement, show_no_reads
from srt_core.ui.frame.navigation import address
from srt_core.ui.frame.page import (
    acting,
    acting_as_owner,
    curator,
    fragment,
    reporting,
    show_empty,
    show_error,
    show_kept_error,
)
from srt_core.ui.frame.words import ORIGIN_LABELS, REASON_LABELS, said_of_claim
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project
from srt_core.ui.thresholds.changes import render_changes
from srt_core.ui.thresholds.charts import outcome_bars, render_cuts
from srt_core.ui.thresholds.dials import (
    dial_to,
    dial_value,
    dialled_method,
    dialled_policy,
    keep_address,
    render_dials,
)
from srt_core.ui.thresholds.map import render_map
from srt_core.ui.thresholds.policies import render_side_by_side
from srt_core.ui.thresholds.preparing import render_preparing

_OUTCOMES = {**{str(origin): f"Keep: {label}" for origin, label in ORIGIN_LABELS.items()},
             **{str(reason): label for reason, label in REASON_LABELS.items()}}  # fmt: skip

BARS_WIDTH, TABLE_WIDTH = 440, 480

_MOVES: dict[Change, str] = {"entering": "come in", "leaving": "go out", "switching": "take another version"}


def render_thresholds(project: Project) -> None:
    """Draw the whole screen."""
    if not count_samples(project.store):
        show_empty("There are no samples to select from yet. Import some first.", "pages/1_Import.py", "Import")
        return
    keep_address(project)
    _draw_desk(project)


@fragment
def _draw_desk(project: Project) -> None:
    """Draw dials and outcome. A fragment: a turned dial runs this alone. No model is ever asked here."""
    show_kept_error()
    _draw_said()
    try:
        policy = dialled_policy(project)
    except PolicyError as error:
        show_error(error)
        st.button("Back to the policy in use", on_click=_reset, args=(project,), icon=":material/undo:")
        return
    with reporting():
        method = dialled_method(policy)
        found = remembered(compare, project.store, policy)
        # Widths and not shares, so that a narrow window wraps what stands side by side.
        desk = st.container(horizontal=True, gap="large")
        with desk.container(width=240):
            _choose_method(project, method)
            _choose_policy(project, policy)
            render_dials(project, policy, method)
        with desk.container(width="stretch"):
            _draw_action(project, policy, found)
            if method.measures or method.rewriters:
                render_preparing(project, method)
            render_cuts(project, policy, method)
        _draw_view(project, policy, method, found)


_VIEWS = {
    "outcomes": "Outcomes",
    "changes": "Read what would change",
    "people": "Right by distance to a limit",
    "map": "Map of two dials",
    "beside": "Policies side by side",
}


def _draw_view(project: Project, policy: Policy, method: Method, found: Comparison) -> None:
    """Draw what is open below the dials, and count for that alone."""
    view = st.segmented_control("Look at", list(_VIEWS), default="outcomes", key="thresholds_view", required=True,
                                format_func=_VIEWS.__getitem__, label_visibility="collapsed",
                                persist_state="session")  # fmt: skip
    if view == "people":
        render_agreement(project.store, policy)
    elif view == "map":
        render_map(project, policy, method)
    elif view == "beside":
        render_side_by_side(project, policy)
    elif view == "changes":
        render_changes(project.store, policy, found)
    else:
        _draw_outcomes(found)


def _choose_method(project: Project, method: Method) -> None:
    names = list(METHODS)
    key = f"thresholds_method|{method.name}"
    st.selectbox(
        "Method",
        names,
        names.index(method.name),
        key=key,
        format_func=lambda name: METHODS[name].label,
        on_change=_turn_method,
        args=(project, key),
        help=f"{method.summary} Source: {method.paper}.",
    )


@acting
def _turn_method(project: Project, key: str) -> None:
    method = METHODS[st.session_state[key]]
    dial_to(project, method.policies[0], method)


def _choose_policy(project: Project, policy: Policy) -> None:
    known = saved_policies(project.store)
    same = [name for name, saved in known.items() if not differing(policy, saved)]
    named = policy.name if policy.name in same else next(iter(same), None)
    names = list(known)
    key = f"thresholds_policy|{named}"
    st.selectbox(
        "Policy",
        names,
        names.index(named) if named else None,
        key=key,
        on_change=_turn_policy,
        args=(project, key),
        placeholder="Changed by hand",
        help="Start from a preset, or from a policy that you saved.",
    )
    for name, message in unusable_policies(project.store).items():
        st.text(f"The saved policy {name} cannot be used here: {message}")


@acting
def _turn_policy(project: Project, key: str) -> None:
    if name := st.session_state[key]:
        dial_to(project, find_policy(project.store, name))


def _draw_action(project: Project, policy: Policy, found: Comparison) -> None:
    applied = applied_policy(project.store)
    changed = [name for name in DIALS if name in differing(policy, applied)]
    kept, now = (sum(outcomes.get(origin, 0) for origin in ORIGIN_LABELS) for outcomes in (found.before, found.after))
    with st.container(border=True):
        with st.container(horizontal=True):
            st.metric("Samples kept", f"{now:,}", f"{now - kept:+,}" if changed else None, width=160,
                      help="Samples of which the rule keeps a version, under the dials.")  # fmt: skip
            _draw_reads(project, policy)
        st.markdown(describe_export(found.exported_after, found.parked_after))
        if not changed:
            st.markdown("The dials stand at the policy in use. Turn one to see what would change.")
        else:
            _draw_changed(policy, applied, changed, found)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Apply", type="primary", icon=":material/check:", key="thresholds_apply",
                      disabled=not changed or not may_own(), on_click=_apply, args=(project, policy))  # fmt: skip
            st.button("Back to the policy in use", icon=":material/undo:", disabled=not changed,
                      key="thresholds_reset", on_click=_reset, args=(project,))  # fmt: skip
            _draw_save(project, policy)


def _draw_reads(project: Project, policy: Policy) -> None:
    """Say how often the rule is right under the dials, by the random reads that Trust claims on."""
    has_reads = remembered(audit_of_all, project.store)  # whatever the dials say
    found = remembered(claims, project.store, policy) if has_reads else None
    if found is None or not found.of_all.reads.read:
        st.metric("Right, by random reads", "–", width=200, help=f"{NO_READS} {RIGHT_HELP}")
        show_no_reads("No random reads yet.")
        return
    before = remembered(claims, project.store, applied_policy(project.store)) or found
    reads = found.of_all.reads
    better = reads.right - before.of_all.reads.right
    st.metric("Right, by random reads", f"{reads.share:.1%}", f"{better:+,}" if better else None, width=160,
              help=f"{RIGHT_HELP} {FIXED_BEFORE}")  # fmt: skip
    st.caption(f"{counts(reads)} random reads. 95 % interval: {said_of_claim(found.of_all)}, for one policy: limits "
               "chosen by this number seem better than they are.", width=230)  # fmt: skip


def _draw_changed(policy: Policy, applied: Policy, changed: list[str], found: Comparison) -> None:
    lines = [
        f"{DIALS[name].label}: {dial_value(DIALS[name], applied.value(name))} → "
        f"**{dial_value(DIALS[name], policy.value(name))}**"
        for name in changed
    ]
    st.markdown("  \n".join(lines))
    moves = ", ".join(f"{found.changes[move]:,} {words}" for move, words in _MOVES.items() if found.changes[move])
    decided = f" People decided {found.changes_decided:,} of these." if found.changes_decided else ""
    st.markdown(
        f"Applying changes the rule's pick for **{found.changed:,}** samples{': ' if moves else ''}{moves}.{decided} "
        "Human decisions stay as they are."
    )


@acting_as_owner
def _apply(project: Project, policy: Policy) -> None:
    same = [name for name, saved in saved_policies(project.store).items() if not differing(policy, saved)]
    named = policy if policy.name in same or not same else replace(policy, name=same[0])
    selection.apply(project.store, named, curator())
    dial_to(project, applied_policy(project.store))
    _say("The policy is in use. Human decisions are as they were.")


@acting
def _reset(project: Project) -> None:
    dial_to(project, applied_policy(project.store))


def _draw_save(project: Project, policy: Policy) -> None:
    with st.popover("Save under a name", icon=":material/bookmark_add:"), st.form("thresholds_save", border=False):
        st.text_input("Name", key="thresholds_name", placeholder="my policy")
        st.form_submit_button("Save", icon=":material/bookmark_add:", on_click=_save, args=(project, policy),
                              disabled=not may_own())  # fmt: skip
        st.caption("Saving does not apply it. A name that you used before is replaced.")
    own = own_policies(project.store)
    if own:
        with st.popover("Delete a saved one", icon=":material/bookmark_remove:"):
            st.selectbox("Saved policy", own, key="thresholds_doomed")
            st.button("Delete", icon=":material/delete:", key="thresholds_delete", on_click=_delete, args=(project,),
                      disabled=not may_own())  # fmt: skip


@acting_as_owner
def _save(project: Project, policy: Policy) -> None:
    dial_to(project, save_policy(project.store, policy, st.session_state["thresholds_name"]))
    _say("The policy is saved.")


@acting_as_owner
def _delete(project: Project) -> None:
    delete_policy(project.store, st.session_state["thresholds_doomed"])
    _say("The saved policy is deleted. What is in use stays.")


def _say(text: str) -> None:
    """Keep a word for the next run: a callback in a fragment has no place to draw."""
    st.session_state["thresholds_said"] = text


def _draw_said() -> None:
    if text := st.session_state.pop("thresholds_said", None):
        st.toast(text, icon=":material/check:")


def _draw_outcomes(found: Comparison) -> None:
    both = st.container(horizontal=True)
    outcomes = [name for name in _OUTCOMES if name in {**found.before, **found.after}]
    with both.container(width=BARS_WIDTH):
        said = ", ".join(f"{_OUTCOMES[name]} {found.after.get(name, 0):,}" for name in outcomes)
        figure = outcome_bars(found.before, found.after, labels=_OUTCOMES)
        st.plotly_chart(figure, key="thresholds_bars", config={"displayModeBar": False},
                        alt=f"Samples by outcome under the dials: {said}")  # fmt: skip
    with both.container(width=TABLE_WIDTH):
        st.dataframe(
            [
                {
                    "outcome": _OUTCOMES[name],
                    "before": found.before.get(name, 0),
                    "after": found.after.get(name, 0),
                    "change": (found.after.get(name, 0) - found.before.get(name, 0)) or None,
                    "rows": _rows_address(name),
                }
                for name in outcomes
            ],
            hide_index=True,
            column_config={
                "outcome": st.column_config.TextColumn("Outcome", width=180),
                "before": st.column_config.NumberColumn("In use", format="localized", width=80),
                "after": st.column_config.NumberColumn("Dialled", format="localized", width=80),
                "change": st.column_config.NumberColumn("Change", format="%+d", width=80),
                "rows": st.column_config.LinkColumn(
                    "Rows", display_text="open", width=45, help="Open the samples of this outcome, in use, in Explore."
                ),
            },
            placeholder="",
            alt="Samples by outcome, under the policy in use and under the dials",
        )


def _rows_address(outcome: str) -> str:
    """Return the address in Explore of the samples with an outcome under the policy in use."""
    kept = {"reason": str(Reason.KEPT), "winner": outcome} if outcome in ORIGIN_LABELS else {"reason": outcome}
    return f"Explore?{urlencode(address(**kept))}"
