"""Screens without a browser: a page opened by Streamlit's own test runner over a project that the test reads."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.context import ContextProxy, StreamlitHeaders
from streamlit.testing.v1 import AppTest

from srt_core.people import Login, LoginMethod
from srt_core.ui.server.gate import HEADER, SEAL
from srt_core.ui.server.runtime import Project, open_project
from tests.empty_project import create_empty

APP = Path(__file__).parent.parent / "app.py"
JOB_SECONDS = 60


@contextmanager
def served(monkeypatch: pytest.MonkeyPatch, path: Path) -> Iterator[Project]:
    """The project of a server that was started with `path`, which is created where it is missing; closed at the end."""
    if not path.exists():
        create_empty(path).close()
    monkeypatch.setenv("SRT_PROJECT", str(path))
    monkeypatch.setenv("SRT_PROJECTS_DIR", str(path.parent / "projects"))
    st.cache_resource.clear()
    try:
        yield open_project(path)
    finally:
        st.cache_resource.clear()
        st.session_state.clear()  # of what was asked outside of any session


def open_screen(page: str = "app.py", **query: str) -> AppTest:
    """Open a page in a new session, without app.py before it, as a deep link does."""
    app = AppTest.from_file(str(APP), default_timeout=JOB_SECONDS)
    if page != "app.py":
        app.switch_page(page)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def finish(project: Project, kind: str, app: AppTest) -> AppTest:
    """Wait for the latest job of a kind to end, and show the page as it is then."""
    job = project.jobs.latest(kind)
    assert job is not None
    assert job.thread is not None
    job.thread.join(JOB_SECONDS)
    assert not job.thread.is_alive()
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """Everything the page says in texts, markdown, code and tables."""
    said = [element.value for kind in (app.text, app.markdown, app.code, app.subheader, app.title) for element in kind]
    return "\n".join([*map(str, said), *(table.value.to_string(max_colwidth=200) for table in app.dataframe)])


def links(app: AppTest) -> dict[str, str]:
    """The links of the page: label to query string."""
    return {link.proto.label: link.proto.query_string for link in app.get("page_link")}


def told_to(app: AppTest, key: str) -> dict[str, Any]:
    """What a component of ours in the browser is told, by its key."""
    found = next(each for each in app.get("bidi_component") if each.proto.id.endswith(key))
    told: dict[str, Any] = json.loads(found.proto.json)
    return told


def send(app: AppTest, key: str, message: dict[str, Any]) -> None:
    """Send what a component of ours would, as the browser does, and run the page."""
    found = next(each for each in app.get("bidi_component") if each.proto.id.endswith(key))
    states = app._tree.get_widget_states()
    value = json.dumps([{"event": "message", "value": message}])
    states.widgets.append(WidgetState(id=_make_trigger_id(found.proto.id, "events"), json_trigger_value=value))
    app._run(states)
    assert not app.exception


def desk_of(app: AppTest) -> dict[str, Any]:
    """What Review tells the desk in the browser."""
    (desk,) = app.get("bidi_component")
    told: dict[str, Any] = json.loads(desk.proto.json)
    return told


def log_in(monkeypatch: pytest.MonkeyPatch, name: str, role: str) -> None:
    """Have every session from now on be of somebody whom a proxy logged in, as the gate hands that on."""
    monkeypatch.setenv("SRT_DEFAULT_ROLE", role)
    monkeypatch.setattr(ContextProxy, "headers", property(lambda _: headers_of(name)))


def headers_of(name: str) -> StreamlitHeaders:
    """The headers of a session of somebody whom a proxy logged in, as the gate hands them on."""
    return StreamlitHeaders([(HEADER, f"{SEAL} {json.dumps(asdict(Login(LoginMethod.PROXY, name)))}")])
