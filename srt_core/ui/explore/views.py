"""Saved views on Explore: keep the present filter and order under a name, open one, delete one."""

from collections.abc import Mapping

import streamlit as st

from srt_core.errors import SRTError
from srt_core.review.filter.address import NAMES, filter_to_address
from srt_core.review.filter.filter import Filter
from srt_core.review.filter.views import NAME_CHARACTERS, delete_view, find_view, save_view, views
from srt_core.ui.frame.address import put_in_address
from srt_core.ui.frame.filter_address import write_view
from srt_core.ui.frame.page import acting, curator, show_error
from srt_core.ui.server.runtime import Project

NAME_WIDTH = 260
VIEW = "view"
"""The query parameter that names a saved view: a link with it opens the view."""


def open_view(project: Project) -> None:
    """Put the view that the address names into the address, in the place of its filter and order."""
    name = st.query_params.get(VIEW)
    if not name:
        return
    put_in_address(VIEW, "")
    try:
        write_view(find_view(project.store, name), (*NAMES, "sort"))
    except SRTError as error:
        show_error(error)


def render_views(project: Project, only: Filter) -> None:
    """Offer the saved views. People chose their names: they are options, never labels."""
    known = views(project.store)
    st.caption("A view keeps this filter and order under a name. The address of this page keeps them too.")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if known:
            name = st.selectbox("Saved views", list(known), key="views_chosen", width=NAME_WIDTH)
            st.button("Open", icon=":material/folder_open:", key="views_open", on_click=_open, args=(project, name))
            st.button("Delete", icon=":material/delete:", key="views_delete", on_click=_delete,
                      args=(project, name), help="The history keeps what it was.")  # fmt: skip
        else:
            st.markdown("No view is saved yet.", width="content")
        with (
            st.form("views_save", border=False, clear_on_submit=True, width="content"),
            st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
        ):
            st.text_input("Save this filter and order as", key="views_name", max_chars=NAME_CHARACTERS,
                          width=NAME_WIDTH, help="A view of the same name is replaced.")  # fmt: skip
            st.form_submit_button("Save the view", icon=":material/bookmark_add:", key="views_save_button",
                                  on_click=_save, args=(project, _present(only)))  # fmt: skip


def _present(only: Filter) -> dict[str, str]:
    sort = st.query_params.get("sort")
    return {**filter_to_address(only), **({"sort": sort} if sort else {})}


@acting
def _open(project: Project, name: str) -> None:
    write_view(find_view(project.store, name), (*NAMES, "sort"))


@acting
def _delete(project: Project, name: str) -> None:
    delete_view(project.store, name, curator())


@acting
def _save(project: Project, view: Mapping[str, str]) -> None:
    save_view(project.store, st.session_state["views_name"], view, curator())
