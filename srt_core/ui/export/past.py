"""Past exports, and what of them was pushed to the hub, with the way there."""

import os
from pathlib import Path

import streamlit as st

from srt_core.export.affected import require_none_retracted
from srt_core.export.formats import FORMATS
from srt_core.export.past import PastExport, past_exports
from srt_core.export.push import TOKEN_VARIABLE, log_push, push, pushes
from srt_core.export.written import MANIFEST
from srt_core.ui.frame.page import curator, reporting
from srt_core.ui.server.identity import may_own, require_owner
from srt_core.ui.server.permission import allowed, told
from srt_core.ui.server.runtime import Project

SHOWN = 20


def draw_past(project: Project) -> None:
    """List the past exports, the newest first, and offer to push the latest."""
    found = past_exports(project.store)
    if not found:
        return
    st.subheader("Past exports")
    with reporting():
        rows = [_row(each) for each in found[:SHOWN]]
        st.dataframe(rows, hide_index=True, column_config={"Pairs": st.column_config.NumberColumn(format="localized")})
    if len(found) > SHOWN:
        st.caption(f"{len(found) - SHOWN:,} earlier ones: srt exports lists them.")
    if may_own():
        _draw_push(project, found[0])


def _row(each: PastExport) -> dict[str, object]:
    folder = Path(each.path)
    pushed = [push for push in pushes(folder) if push.commit] if folder.is_dir() else []
    return {
        "When (UTC)": f"{each.made_at:%Y-%m-%d %H:%M}",
        "By": each.author,
        "Pairs": each.rows,
        "Formats": ", ".join(FORMATS[name].label if name in FORMATS else name for name in each.formats),
        "Folder": told(each.path) if folder.exists() else f"{told(each.path)} (not there any more)",
        "Pushed to": ", ".join(f"{push.repository} @ {push.commit[:8]}" for push in pushed[:3]),
    }


def _draw_push(project: Project, latest: PastExport) -> None:
    folder = Path(latest.path)
    if not (folder / MANIFEST).is_file():
        return
    with st.container(border=True):
        st.markdown("**Push the latest to the Hugging Face hub**")
        if not os.environ.get(TOKEN_VARIABLE):
            st.markdown(
                f"There is no token: set the environment variable `{TOKEN_VARIABLE}`, to one that may write, where the "
                "app is started."
            )
            return
        name, seen, button = st.columns([4, 2, 2], vertical_alignment="bottom")
        repository = name.text_input("Data set", key="push_name", placeholder="OWNER/NAME")
        is_public = seen.toggle("Public: everybody may see it", key="push_public")
        if button.button("Push", icon=":material/cloud_upload:", key="push", disabled=not repository, width="stretch"):
            with reporting(), st.spinner("Pushing: the hub takes all files or none"):
                require_owner()
                here = allowed()
                here.require_export(str(folder))
                here.require_push(repository)
                here.require_key(TOKEN_VARIABLE)
                require_none_retracted(project.store, folder)
                done = push(folder, repository, is_private=not is_public, by=curator())
                log_push(project.store, folder, done)
                st.session_state["pushed"] = done
        if latest_push := st.session_state.get("pushed"):
            st.markdown(
                f":material/check_circle: **{len(latest_push.files)} files pushed**, commit `{latest_push.commit}`"
            )
            st.code(latest_push.url, language=None)
