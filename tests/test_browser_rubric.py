"""The rubric on the desk in a real browser: keys give points, decide nothing meanwhile, and are saved."""

from pathlib import Path

from playwright.sync_api import Page, expect

from srt_core.methods.coachlm import RUBRIC
from srt_core.project.store import Store
from srt_core.records import Origin
from tests.conftest import AppServer, as_killed
from tests.desk_browser import open_desk, part, wait_for_sample, wait_until_saved
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project


def test_keys_rate_the_version_on_screen(page: Page, shared_server: AppServer, tmp_path: Path) -> None:
    """R opens it; digits give fifths and go on, F a flaw; a decision waits until it is saved; Enter saves, once."""
    path = shared_server.projects_dir / f"{tmp_path.name}.srt"
    create_project(path, [Case({Origin.ORIGINAL: Numbers(0.5, 0.5)})] * 3).close()
    open_desk(page, shared_server, path)
    page.keyboard.press("r")
    expect(part(page, "drawer")).to_contain_text("Readability")
    for key in ("4", "ArrowLeft", "f", "ArrowRight", *"555555555"):
        page.keyboard.press(key)
    expect(part(page, "drawer")).to_contain_text("Instruction: 92 of 100")
    expect(part(page, "drawer")).to_contain_text("Response: 100 of 100")
    page.keyboard.press("a")
    expect(part(page, "said")).to_contain_text("Save the rating first")
    wait_for_sample(page, "s0")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    wait_until_saved(page)
    expect(part(page, "said")).to_contain_text("Nothing was changed")
    page.keyboard.press("a")
    wait_for_sample(page, "s1")
    expect(part(page, "drawer")).to_contain_text("Response: open")
    page.keyboard.press("Escape")
    wait_until_saved(page)
    with Store.open(as_killed(path)) as store:
        rows = store.rows("SELECT sample_id, dimension, points, flaw FROM rubric")
        assert {row["sample_id"] for row in rows} == {"s0"}
        given = {row["dimension"]: (row["points"], row["flaw"]) for row in rows}
        assert given == {each.name: (each.most, False) for each in RUBRIC} | {"readability": (32, True)}
        assert store.value("SELECT count(*) FROM event WHERE kind = 'rubric'") == 1
