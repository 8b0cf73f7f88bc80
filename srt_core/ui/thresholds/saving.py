"""Keeping the limits that are set under a name, and forgetting a saved policy."""

import streamlit as st

from srt_core.records import Policy
from srt_core.select.policy import delete_policy, own_policies, save_policy
from srt_core.ui.frame.page import acting_as_owner
from srt_core.ui.server.identity import may_own
from srt_core.ui.server.runtime import Project
from srt_core.ui.thresholds.card import say
from srt_core.ui.thresholds.setting import set_limits


def render_saving(project: Project, policy: Policy) -> None:
    """Draw what saves the limits as they are set, and what deletes a saved policy where there is one."""
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
    set_limits(project, save_policy(project.store, policy, st.session_state["thresholds_name"]))
    say("The policy is saved.")


@acting_as_owner
def _delete(project: Project) -> None:
    delete_policy(project.store, st.session_state["thresholds_doomed"])
    say("The saved policy is deleted. What is in use stays.")
