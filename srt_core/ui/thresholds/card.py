"""The card of Thresholds: what the limits as they are set would keep, and applying them or undoing what was applied."""

from dataclasses import replace

import streamlit as st

from srt_core.errors import PolicyError
from srt_core.project.candidates import count_samples
from srt_core.records import Policy, counted
from srt_core.review.status import describe_export
from srt_core.review.trust.audits.evidence import Claims, audit_of_all, claims
from srt_core.select import selection
from srt_core.select.applied import Applied, changes_in, last_applied, undo_applied
from srt_core.select.compare.whatif import Comparison
from srt_core.select.derive import remembered
from srt_core.select.policy import applied_policy, differing, saved_policies
from srt_core.ui.frame.evidence import NO_READS, RIGHT_HELP, TRUST
from srt_core.ui.frame.navigation import PAGES, address
from srt_core.ui.frame.page import acting, acting_as_owner, curator, show_error
from srt_core.ui.frame.words import ORIGIN_LABELS, markdown, said_of_claim
from srt_core.ui.sample.texts import local_time
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project
from srt_core.ui.thresholds.setting import policy_as_set, set_limits

TAB = "thresholds_tab"
OUTCOMES, CHANGES = "Outcomes", "Samples that would change"
_SAID = "thresholds_said"


def render_card(project: Project, policy: Policy, found: Comparison) -> None:
    """Draw the card."""
    applied = applied_policy(project.store)
    is_changed = bool(differing(policy, applied))
    with st.container(border=True, key="thresholds_card", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _draw_kept(project, found, is_changed=is_changed)
            has_reads = _draw_reads(project, policy, applied)
            st.button(f"would change **{found.changed:,}** →", type="tertiary", key="thresholds_changed",
                      disabled=not found.changed, on_click=_show_changes,
                      help=_said_of_changes(found))  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button("Apply", type="primary", key="thresholds_apply",
                      disabled=not is_changed or not may_own(), on_click=_apply, args=(project, policy, applied),
                      help="Has the rule select under these limits. What reviewers decided stays.")  # fmt: skip
            _draw_undo(project)
            st.button("Reset", disabled=not is_changed, key="thresholds_reset",
                      on_click=_reset, args=(project,), help="Sets the limits back to the policy in use.")  # fmt: skip
        _draw_small(found, applied, is_changed=is_changed, has_reads=has_reads)


def _draw_kept(project: Project, found: Comparison, *, is_changed: bool) -> None:
    before, now = (sum(outcomes.get(origin, 0) for origin in ORIGIN_LABELS) for outcomes in (found.before, found.after))
    total = remembered(count_samples, project.store)
    moved = f" ({now - before:+,})".replace("-", "−") if is_changed else ""
    st.markdown(f"kept **{now:,}**{moved} of {total:,}", width="content",
                help="Samples of which the rule keeps a version, under the limits as they are set.")  # fmt: skip


def _draw_reads(project: Project, policy: Policy, applied: Policy) -> Claims | None:
    """Say how often the rule is right under the limits, by the random reads that Trust claims on; None for no reads."""
    has_audit = remembered(audit_of_all, project.store)  # whatever the limits are
    found = remembered(claims, project.store, policy) if has_audit else None
    if found is None or not found.of_all.reads.read:
        st.page_link(TRUST, label="no random reads yet", icon=PAGES[TRUST][1], query_params=address(),
                     help=f"{NO_READS} {RIGHT_HELP}")  # fmt: skip
        return None
    before = remembered(claims, project.store, applied) or found
    better = found.of_all.reads.right - before.of_all.reads.right
    moved = f" ({better:+,})".replace("-", "−") if better else ""
    st.markdown(f"agrees with reviewers (random reads) **{said_of_claim(found.of_all)}**{moved}", width="content",
                help=f"{RIGHT_HELP} In brackets: how many more reads than under the policy in use.")  # fmt: skip
    return found


def _draw_small(found: Comparison, applied: Policy, *, is_changed: bool, has_reads: Claims | None) -> None:
    lines = [describe_export(found.exported_after, found.parked_after)]
    if not is_changed:
        lines.insert(0, f"In use: {markdown(applied.name)}.")
    if found.changes_decided:
        lines.append(f"Of the samples that would change reviewers decided {found.changes_decided:,}: those stay.")
    if has_reads:
        lines.append(_said_of_interval(has_reads))
    st.caption(" ".join(lines))


def _said_of_interval(found: Claims) -> str:
    """Say what the interval takes account of and what it does not, as docs/trust.md does at length."""
    claim = found.of_all
    looks = "the one look" if claim.look == 1 else f"all {claim.look} looks"
    reads = counted(claim.reads.read, "blind random read")
    return (
        f"95 % interval by {reads}, corrected for {looks} at them and not for choosing limits by this number: the "
        "best of many seems better than it is."
    )


def _said_of_changes(found: Comparison) -> str:
    words = {"entering": "come in", "leaving": "go out", "switching": "take another version"}
    moves = [f"{found.changes[move]:,} {said}" for move, said in words.items() if found.changes[move]]  # type: ignore[index]
    return f"Read them: {', '.join(moves)}." if moves else "Move a limit to see what would change."


def _show_changes() -> None:
    st.session_state[TAB] = CHANGES


@acting_as_owner
def _apply(project: Project, policy: Policy, seen: Policy) -> None:
    same = [name for name, saved in saved_policies(project.store).items() if not differing(policy, saved)]
    named = policy if policy.name in same or not same else replace(policy, name=same[0])
    selection.apply(project.store, named, curator(), upon=seen)
    set_limits(project, applied_policy(project.store))
    say("The policy is in use. What reviewers decided is as it was.")


def _draw_undo(project: Project) -> None:
    last = remembered(last_applied, project.store)
    st.button("Undo last", key="thresholds_undo", disabled=last is None or not may_own(),
              on_click=_undo, args=(project, last), help=_said_of_undo(last))  # fmt: skip


def _said_of_undo(last: Applied | None) -> str:
    if last is None:
        return "No policy was applied that could be undone."
    changed = "".join(f"  \n{markdown(line)}" for line in changes_in(last.context))
    back = f"Puts {markdown(last.name_before)} back in use" if last.name_before else "Puts the policy before back"
    return (
        f"{back}, as before {markdown(last.author)} applied {markdown(last.name)} on "
        f"{local_time(last.made_at, '%d %b, %H:%M')}. What reviewers decided stays as it is.{changed}"
    )


@acting_as_owner
def _undo(project: Project, last: Applied) -> None:
    policy = undo_applied(project.store, last.event_id, curator())
    say(f"Undone: {markdown(policy.name)} is in use again. What reviewers decided is as it was.")


@acting
def _reset(project: Project) -> None:
    set_limits(project, applied_policy(project.store))


def read_limits(project: Project) -> Policy | None:
    """Return the policy that the limits are set to; None, having said why and offered the way back, for none."""
    try:
        return policy_as_set(project)
    except PolicyError as error:
        show_error(error)
    st.button("Back to what is in use", on_click=_reset, args=(project,), icon=":material/restart_alt:")
    return None


def say(text: str) -> None:
    """Keep a word for the next run: a callback in a fragment has no place to draw."""
    st.session_state[_SAID] = text


def draw_said() -> None:
    """Say what was kept, once."""
    if text := st.session_state.pop(_SAID, None):
        st.toast(text, icon=":material/check:")
