"""Roles and shares on the screens: what a curator may not do is refused by the server, not only hidden."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.runtime.context import ContextProxy, StreamlitHeaders
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from srt_core.people import People, Role, check_password, load, people_path, save
from srt_core.people.allowed import Kind
from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.records import Action, Decision, Origin
from srt_core.review import decisions
from srt_core.review.shares import read_assignment, share_out
from srt_core.select.derive import refresh
from srt_core.ui.server.runtime import Project
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, sample_name
from tests.screens import desk_of, headers_of, log_in, open_screen, served, words

HISTORY, PEOPLE, REVIEW = "pages/9_History.py", "pages/10_People.py", "pages/6_Review.py"
CASES = [Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})] * 4
OWNERS_ONLY = {
    "pages/5_Thresholds.py": "Save",
    "pages/8_Export.py": "Write 4 pairs",
    "app.py": "Create",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    path = tmp_path / "own.srt"
    with create_project(path, CASES) as store:
        refresh(store)
    with served(monkeypatch, path) as project:
        yield project


def button(app: AppTest, label: str) -> Button:
    return next(button for button in app.button if button.label == label)


@pytest.mark.parametrize("page", OWNERS_ONLY)
def test_what_only_owners_do_is_refused_to_a_curator(
    project: Project, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """A curator's button is off; and a click on one that was on when somebody was an owner is refused by the server."""
    label = OWNERS_ONLY[page]
    log_in(monkeypatch, "ben@example.com", "curator")
    assert button(open_screen(page), label).disabled
    log_in(monkeypatch, "ben@example.com", "owner")
    app = open_screen(page)
    assert not button(app, label).disabled
    log_in(monkeypatch, "ben@example.com", "curator")
    button(app, label).click().run()
    if page != "pages/8_Export.py":  # whose button has no callback: being off now, it did nothing
        assert "Only an owner may do that." in words(app)
    assert events.count_events(project.store, EventFilter()) == 0


def test_who_is_at_the_screen_is_found_out_once_a_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a page and its callbacks ask, the login is read once a run of the page, and again in the next."""
    read = []

    def headers(context: ContextProxy) -> StreamlitHeaders:
        read.append(context)
        return headers_of("ben@example.com")

    monkeypatch.setenv("SRT_DEFAULT_ROLE", "owner")
    monkeypatch.setattr(ContextProxy, "headers", property(headers))
    share_out(project.store, "closest", [("ann", 60)], 5, "ann")
    app = open_screen(PEOPLE)
    assert len(read) == 1
    button(app, "Count what is left").click().run()
    assert len(read) == 2
    assert "ben@example.com · owner" in words(app)


def test_a_step_starts_for_owners_alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever page asks for it, an import is not started for a curator; the page says whom to ask."""
    log_in(monkeypatch, "ben@example.com", "curator")
    app = open_screen("pages/1_Import.py")
    assert "You are a curator here, and may look. Only an owner may import. Ask an owner." in words(app)
    assert project.jobs.latest("import") is None


def test_a_curator_reads_no_file_of_the_server(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where an owner names a path on the server and sees what is in it, that of a curator is not taken."""
    kept = tmp_path / "kept.csv"
    kept.write_text("instruction,output\nsecret words,nobody\n", encoding="utf-8")
    save(people_path(), People().allow(Kind.FOLDER, str(tmp_path)))
    log_in(monkeypatch, "ben", "owner")
    app = open_screen("pages/1_Import.py")
    app.segmented_control(key="file_way").set_value("A file on this server").run()
    app.text_input(key="path_0").set_value(str(kept)).run()
    assert "secret words" in words(app)
    log_in(monkeypatch, "ben", "curator")
    app.run()
    assert app.text_input(key="path_0").disabled
    assert "secret words" not in words(app)


def test_a_curator_undoes_what_they_did_alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Own decisions can be undone; those of others only by an owner, also where the button was on before."""
    for place, by in enumerate(("ann", "ben")):
        decisions.decide(project.store, Decision(sample_name(place), Action.REJECT, by), expected_event_id=None)
    log_in(monkeypatch, "ben", "curator")
    assert not button(select(open_screen(HISTORY, author="ben"), 0), "Undo this decision").disabled
    assert button(select(open_screen(HISTORY, author="ann"), 0), "Undo this decision").disabled
    log_in(monkeypatch, "cy", "owner")
    app = select(open_screen(HISTORY, author="ann"), 0)
    log_in(monkeypatch, "ben", "curator")
    button(app, "Undo this decision").click().run()
    assert "Only an owner may undo what ann did." in words(app)
    assert decisions.standing(project.store, sample_name(0)) is not None


def select(app: AppTest, row: int) -> AppTest:
    app.session_state["events"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    app.run()
    assert not app.exception
    return app


def test_a_name_is_shown_as_text(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that a proxy gives is data: it stands in no markdown."""
    log_in(monkeypatch, "![x](http://198.51.100.7/a.png)", "owner")
    app = open_screen(PEOPLE)
    assert "![x](http://198.51.100.7/a.png) · owner" in [text.value for text in app.text]
    assert not any("198.51.100.7" in text.value for text in app.markdown)


def fill_in(app: AppTest, name: str, password: str, again: str, role: str = "curator") -> AppTest:
    """Type a new person into the form, and send it off."""
    app.text_input(key="person_name").set_value(name)
    app.radio(key="person_role").set_value(role)
    app.text_input(key="person_password").set_value(password)
    app.text_input(key="person_again").set_value(again)
    app.button(key="add_person_now").click().run()
    assert not app.exception
    return app


def test_an_owner_adds_and_removes_people(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password is typed twice, kept as a hash and shown nowhere; a refused person, or removal, changes nothing."""
    log_in(monkeypatch, "ann", "owner")
    app = fill_in(open_screen(PEOPLE), "Ben", "a long pass phrase", "a long pass phrose")
    assert "The two passwords are not the same." in words(app)
    assert "A password has 10" in words(fill_in(app, "Ben", "short", "short"))
    assert load(people_path()).accounts == ()
    app = fill_in(app, "Ben", "a long pass phrase", "a long pass phrase")
    added = load(people_path()).get("ben")
    assert (added.name, added.role) == ("Ben", Role.CURATOR)
    assert check_password("a long pass phrase", added.password)
    assert not [field for field in app.text_input if "phrase" in str(field.value)]
    assert "There is a ben already." in words(fill_in(app, "ben", "a long pass phrase", "a long pass phrase"))
    fill_in(app, "[x](http://198.51.100.7)", "a long pass phrase", "a long pass phrase", "owner")
    assert list(app.dataframe[0].value["Role"]) == ["curator", "owner"]
    app.selectbox(key="remove_who").set_value("[x](http://198.51.100.7)").run()
    app.button(key="remove_person").click().run()
    assert "is the last owner." in words(app)
    app.selectbox(key="remove_who").set_value("Ben").run()
    app.button(key="remove_person").click().run()
    assert [account.role for account in load(people_path()).accounts] == [Role.OWNER]


def test_a_curator_adds_nobody(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form is not there; sent off by somebody who was an owner a moment ago, it is refused by the server."""
    log_in(monkeypatch, "ann", "curator")
    assert "person_name" not in [field.key for field in open_screen(PEOPLE).text_input]
    log_in(monkeypatch, "ann", "owner")
    app = open_screen(PEOPLE)
    log_in(monkeypatch, "ann", "curator")
    fill_in(app, "Eve", "a long pass phrase", "a long pass phrase", "owner")
    assert "Only an owner may do that." in words(app)
    assert load(people_path()).accounts == ()


def test_the_first_person_is_an_owner_and_imports_are_nobody(project: Project) -> None:
    """Where nobody has to log in, whoever is added first can let others in; a file is listed among no people."""
    events.record(project.store, "import", "import of pairs.json", {"path": "pairs.json"})
    decisions.decide(project.store, Decision(sample_name(0), Action.REJECT, "zoe"), expected_event_id=None)
    app = open_screen(PEOPLE)
    table = app.dataframe[0].value
    assert list(table["Reviewer"]) == ["zoe"]
    assert "Role" not in table.columns
    app.text_input(key="person_name").set_value("Ann")
    app.text_input(key="person_password").set_value("a long pass phrase")
    app.text_input(key="person_again").set_value("a long pass phrase")
    app.button(key="add_person_now").click().run()
    assert [(account.name, account.role) for account in load(people_path()).accounts] == [("Ann", Role.OWNER)]


def test_a_share_is_on_by_default_and_can_be_left(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Review opens on the person's share, whose counts it shows; the address gives the whole queue."""
    # Made-up ids all begin alike and fall into one bucket.
    share_out(project.store, "all", [("cy", 100)], 0, "ann")
    log_in(monkeypatch, "cy", "curator")
    assert desk_of(open_screen(REVIEW, queue="all"))["share"] is True
    assert desk_of(open_screen(REVIEW, queue="all", share="all"))["share"] is False
    log_in(monkeypatch, "dee", "curator")
    assert desk_of(open_screen(REVIEW, queue="all"))["share"] is None


def test_an_owner_shares_a_queue_out(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form keeps shares and overlap; more than 100 % is refused and nothing changes; a curator has no form."""
    share_out(project.store, "closest", [("ann", 60), ("ben", 30)], 5, "ann")
    log_in(monkeypatch, "ann", "owner")
    app = open_screen(PEOPLE)
    assert "Overlap: 5 % of all" in words(app)
    app.number_input(key="overlap_of_closest").set_value(10.0)
    button(app, "Share out").click().run()
    assert not app.exception
    assert read_assignment(project.store, "closest").overlap == 1_000
    assert read_assignment(project.store, "closest").percents() == {"ann": 60.0, "ben": 30.0}
    button(app, "Count what is left").click().run()
    assert not app.exception
    log_in(monkeypatch, "ben", "curator")
    app = open_screen(PEOPLE)
    assert "Share out" not in [each.label for each in app.button]
    assert "ben · curator" in words(app)
