"""How the app starts and ends, in a real browser: whatever page comes first, and whatever ends it."""

import json
import re
import signal
import socket
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from srt_core.importing.run import import_file
from srt_core.project.store import Store
from srt_core.steps.demo import FOLDER
from tests.conftest import StartApp, wait_for_script
from tests.small_project import alpaca_rows, write_lines
from tests.store_files import make_database

pytestmark = pytest.mark.browser

END_SECONDS = 60


@pytest.fixture
def project_path(tmp_path: Path) -> Path:
    """A project of three originals."""
    path = tmp_path / "own.srt"
    with Store.create(path) as store:
        for _ in import_file(store, write_lines(tmp_path / "pairs.jsonl", alpaca_rows(3))):
            pass
    return path


def test_any_page_may_come_first(app_server: StartApp, page: Page, project_path: Path) -> None:
    """On a fresh server a deep link opens its page whole, and its links keep project and name."""
    server = app_server(project_path)
    page.goto(server.link("/Score?project=own&curator=Zoe"))
    expect(page.get_by_role("heading", name="Score", exact=True)).to_be_visible()
    expect(page.get_by_label("Your name", exact=True)).to_have_value("Zoe")
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("curator=Zoe"))
    expect(page.get_by_label("Your name", exact=True)).to_have_value("Zoe")
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("3")
    page.goto(server.link("/?project=nowhere"))
    expect(page.get_by_text("There is no project nowhere.")).to_be_visible()


def test_an_interrupt_ends_the_app_and_closes_the_file(app_server: StartApp, page: Page, project_path: Path) -> None:
    """Ctrl-C ends the server with a job under way, closes the project's file, and the job can be resumed."""
    server = app_server(project_path)
    page.goto(server.link("/Reflect?project=own"))
    page.get_by_role("button", name="Start", exact=True).wait_for()
    wait_for_script(page)
    # A teacher that never answers: an open port behind which nobody accepts.
    with socket.create_server(("127.0.0.1", 0), backlog=8) as silent:
        page.get_by_label("Base URL", exact=True).fill(f"http://127.0.0.1:{silent.getsockname()[1]}/v1")
        page.get_by_label("Model", exact=True).fill("m-1")
        page.get_by_label("Model", exact=True).press("Enter")
        page.get_by_role("button", name="Start", exact=True).click()  # it can be pressed once all was taken
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=END_SECONDS) == 0
    assert not project_path.with_name("own.srt.wal").exists()
    again = app_server(project_path)
    page.goto(again.link("/?project=own"))
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_ended_while_the_demo_fills_it_goes_on(app_server: StartApp, page: Page) -> None:
    """A first start that is ended amid the demo's filling ends cleanly, and the next one fills what is missing."""
    server = app_server()
    page.goto(server.link(), wait_until="commit")
    path = server.projects_dir / "demo.srt"
    while not path.exists():
        page.wait_for_timeout(10)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=END_SECONDS) == 0
    assert "Traceback" not in server.log_path.read_text("utf-8")
    assert not path.with_name("demo.srt.wal").exists()
    names = ("pairs.json", "later.json")
    whole = sum(len(json.loads((FOLDER / name).read_text("utf-8"))) for name in names)
    with Store.open(path) as store:
        assert store.value("SELECT count(*) FROM sample") < whole
    again = app_server()
    page.goto(again.link())
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(str(whole))


NOTE_TEXTS = """
window.seen = "";
new MutationObserver(() => window.seen += document.body?.innerText).observe(document, {childList: true, subtree: true})
"""
ROWS = 200_000


def test_a_project_of_an_older_version_says_that_it_is_converted(
    app_server: StartApp, page: Page, tmp_path: Path
) -> None:
    """While the file of an old project is converted the page says so, and then shows the project."""
    schema = (Path(__file__).parent / "data" / "schema_4.sql").read_text("utf-8")
    path = make_database(
        tmp_path / "old.srt",
        schema,
        "INSERT INTO meta VALUES ('schema_version', '4'), ('data_version', '3')",
        "INSERT INTO sample (sample_id, import_id, \"row\", extra) SELECT 's' || range, 1, range, '{}' FROM range(3)",
        f"""INSERT INTO candidate (sample_id, origin, producer, instruction, input, response)
            SELECT 's' || range, 'ORIGINAL', 'file', 'Say ' || range, '', 'Yes.' FROM range({ROWS})""",
    )
    server = app_server(path)
    page.add_init_script(NOTE_TEXTS)
    page.goto(server.link("/?project=old"))
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("3")
    assert "This project is of an older version." in page.evaluate("window.seen")


def test_an_upload_leaves_the_servers_memory_once_it_is_imported(
    app_server: StartApp, page: Page, project_path: Path, tmp_path: Path
) -> None:
    """What the server says that it holds of uploads is the file while it is chosen, and nothing after its import."""
    server = app_server(project_path)
    file = write_lines(tmp_path / "more.jsonl", alpaca_rows(200))
    page.goto(server.link("/Import"))
    page.locator("input[type=file]").set_input_files(file)
    start = page.locator(".st-key-start_import button")
    expect(start).to_be_enabled()
    page.wait_for_function(
        """async size => (await (await fetch('/_stcore/metrics')).text())
            .includes(`{cache_type="UploadedFileManager",cache=""} ${size}`)""",
        arg=file.stat().st_size,
    )
    start.click()
    expect(start).to_be_hidden()
    wait_for_script(page)
    page.wait_for_function("async () => !(await (await fetch('/_stcore/metrics')).text()).includes('UploadedFile')")
