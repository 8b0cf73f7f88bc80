"""Who works here: the people with their roles and decisions, and adding and removing them, by owners."""

from collections.abc import Sequence

import streamlit as st

from srt_core.errors import PeopleError
from srt_core.people import (
    Account,
    LoginBy,
    LoginMethod,
    Role,
    add_person,
    load,
    people_path,
    remove_person,
    typed_twice,
)
from srt_core.people.passwords import MIN_LENGTH
from srt_core.review.history import Author
from srt_core.ui.frame.page import acting_as_owner
from srt_core.ui.frame.words import markdown
from srt_core.ui.sample.texts import local_time
from srt_core.ui.server.identity import is_owner, visitor

_ROLES = {Role.CURATOR: "Curator: looks and decides", Role.OWNER: "Owner: everything"}
_WAYS = {
    LoginBy.PASSWORD: "A password",
    LoginBy.PROXY: "A proxy before the app",
    LoginBy.OPENID: "An OpenID Connect provider",
}


def draw_people(found: Sequence[Author]) -> None:
    """List who may log in and who has done anything here; owners add and remove people."""
    accounts = load(people_path()).accounts
    is_local = visitor().login.way is LoginMethod.LOCAL
    if is_local:
        st.markdown(
            "Nobody has to log in here: the app answers this machine alone, and whoever sits at it is an owner."
        )
    _draw_table(found, accounts)
    if not is_owner():
        st.caption("Owners add and remove people.")
        return
    with st.container(horizontal=True):
        with st.popover("Add a reviewer", icon=":material/person_add:"):
            _draw_adding(is_first=is_local)
        if accounts:
            with st.popover("Remove", icon=":material/person_remove:"):
                _draw_removing(accounts)


def _draw_table(found: Sequence[Author], accounts: Sequence[Account]) -> None:
    active = {author.name: author for author in found}
    roles = {account.name: str(account.role) for account in accounts}
    names = list(dict.fromkeys([*roles, *active]))
    if not names:
        st.markdown("Nobody has decided anything in this project yet.")
        return
    st.dataframe(
        [
            {
                "Reviewer": name,
                **({"Role": roles.get(name, "cannot log in")} if accounts else {}),
                "Decisions": active[name].decisions if name in active else 0,
                "Last seen": local_time(active[name].last, "%Y-%m-%d %H:%M") if name in active else "not yet",
            }
            for name in names
        ],
        hide_index=True,
        column_config={
            "Decisions": st.column_config.NumberColumn(
                format="localized", help="On single samples, not undone. Actions on many samples do not count."
            )
        },
        alt="The reviewers of this server and of this project's history, with their roles and decisions.",
    )


def _draw_adding(*, is_first: bool) -> None:
    if is_first:
        st.markdown(
            "**From the first one on everybody has to log in, you too**: add yourself first, as an owner. To let "
            "others in from elsewhere, start the app with `srt app --address`."
        )
    with st.form("add_person", border=False, clear_on_submit=True):
        st.text_input("Name", key="person_name", help="Or the e-mail address that a proxy or provider gives.")
        if not is_first:
            st.radio("Role", list(_ROLES), format_func=_ROLES.__getitem__, key="person_role")
            st.selectbox("Logs in by", list(_WAYS), format_func=_WAYS.__getitem__, key="person_way")
        st.text_input("Password", type="password", key="person_password", autocomplete="new-password",
                      help=f"At least {MIN_LENGTH} characters. Only a hash of it is kept. None is needed where a proxy "
                      "or a provider logs them in.")  # fmt: skip
        st.text_input("Password again", type="password", key="person_again", autocomplete="new-password")
        st.form_submit_button("Add", icon=":material/person_add:", type="primary", key="add_person_now",
                              on_click=_add, args=(is_first,))  # fmt: skip


def _draw_removing(accounts: Sequence[Account]) -> None:
    name = st.selectbox("Who", [account.name for account in accounts], key="remove_who")
    st.markdown("Wherever they are logged in, that ends. What they did stays in the history, under their name.")
    st.button(f"Remove {markdown(name)}", icon=":material/person_remove:", key="remove_person", on_click=_remove,
              args=(name,))  # fmt: skip


@acting_as_owner
def _add(is_first: bool) -> None:
    given = st.session_state
    first, again = _taken("person_password"), _taken("person_again")
    role = Role.OWNER if is_first else Role(given["person_role"])
    by = LoginBy.PASSWORD if is_first else LoginBy(given["person_way"])
    name = str(given["person_name"]).strip()
    if not name:
        raise PeopleError("Nobody was added: the name is empty.", "Type a name.")
    password = typed_twice(first, again)
    if by is not LoginBy.PASSWORD and password:
        raise PeopleError("Nobody was added: a password was typed for somebody who does not log in by one.",
                          "Leave it empty, or choose the password as the way to log in.")  # fmt: skip
    added = add_person(people_path(), name, role, by, password)
    st.toast(f"Added {markdown(added.name)}, {added.role}.", icon=":material/check:")


def _taken(field: str) -> str:
    """Return what was typed into a field, and keep it no longer than that."""
    typed = str(st.session_state[field])
    st.session_state[field] = ""
    return typed


@acting_as_owner
def _remove(name: str) -> None:
    """Remove somebody, but nobody themselves and not the last owner: they would lock the door behind them."""
    accounts = load(people_path()).accounts
    owners = [account.name for account in accounts if account.role is Role.OWNER]
    if name == visitor().person.name:
        raise PeopleError("You cannot remove yourself here.", "Ask another owner.")
    if owners == [name]:
        raise PeopleError(f"{name} is the last owner.", "Make somebody else an owner first: srt people role NAME owner")
    removed = remove_person(people_path(), name)
    st.toast(f"Removed {markdown(removed.name)}.", icon=":material/check:")
