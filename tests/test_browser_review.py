"""Keys in a real browser: a decision never hits a sample that was not on screen, and none is lost."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute

from srt_core.project import candidates, events
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.review import decisions
from tests.conftest import AppServer, StartApp, address_of, as_killed, until, wait_for_script
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.small_project import create_scored_project, save_student

pytestmark = pytest.mark.browser

PRESSES = 22
CASE = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})
EVIL = '<img src="http://198.51.100.7/a.png"><b>bold</b> ![x](http://198.51.100.7/b.png) $x$ :red[y]'

# Notes every sample that was painted, and for every key press the sample that was on screen.
SPY = """
window.painted = []; window.pressedOn = [];
const shown = () => [...document.querySelectorAll('code')].map(e => e.textContent).find(t => /^s[0-9]+$/.test(t)) || '';
const note = () => { const now = shown(); requestAnimationFrame(() => { if (now) window.painted.push(now); }); };
document.addEventListener('keydown', () => window.pressedOn.push(shown()), true);
document.addEventListener('DOMContentLoaded', () => new MutationObserver(note).observe(
    document.body, {childList: true, subtree: true, characterData: true}));
"""


@pytest.fixture
def project(shared_server: AppServer, tmp_path: Path) -> Path:
    """A project of more samples than the test presses keys."""
    path = shared_server.projects_dir / f"{tmp_path.name}.srt"
    create_project(path, [CASE] * (PRESSES + 6)).close()
    return path


def open_review(page: Page, server: AppServer, project: Path, **query: str) -> None:
    address = "&".join(f"{name}={value}" for name, value in {"project": project.stem, "queue": "all", **query}.items())
    page.goto(server.link(f"/Review?{address}"))
    page.get_by_role("button", name="Accept").wait_for()
    wait_for_script(page)


def wait_for_sample(page: Page, sample: str) -> None:
    page.locator("code", has_text=sample).wait_for()
    wait_for_script(page)


@dataclass
class Wire:
    """The connection of a page to the app, on which what the app says can be held up."""

    is_held: bool = False
    held: list[str | bytes] = field(default_factory=list)
    said: int = 0
    """How many messages the page has sent."""
    page_end: WebSocketRoute | None = None

    def lay(self, route: WebSocketRoute) -> None:
        """Carry the messages of one connection."""
        self.page_end, app_end = route, route.connect_to_server()

        def say(message: str | bytes) -> None:
            self.said += 1
            app_end.send(message)

        route.on_message(say)
        app_end.on_message(lambda message: self.held.append(message) if self.is_held else route.send(message))

    def release(self) -> None:
        """Hand over what was held up, in its order, and hold up nothing more."""
        assert self.page_end
        self.is_held = False
        for message in self.held:
            self.page_end.send(message)


def decided_samples(path: Path) -> list[str]:
    """The decided samples in the file, the first decision first."""
    with Store.open(path) as store:
        return [str(event.sample_id) for event in events.events(store, EventFilter(), limit=1000)][::-1]


def count_done(path: Path, kind: str) -> int:
    """How many jobs of a kind have ended well."""
    with Store.open(path) as store:
        return int(store.value("SELECT count(*) FROM job WHERE kind = ? AND state = 'done'", [kind]))


@pytest.mark.parametrize("gap_milliseconds", [0, 30, 100, 250])
def test_a_burst_of_keys_decides_only_what_was_seen(
    page: Page, shared_server: AppServer, project: Path, gap_milliseconds: int
) -> None:
    """However fast the presses come: no decision on a sample that was not painted, and none twice."""
    page.add_init_script(SPY)
    open_review(page, shared_server, project)
    for _ in range(PRESSES):
        page.keyboard.press("a")
        page.wait_for_timeout(gap_milliseconds)
    page.wait_for_function("window.painted.some(sample => sample !== 's0')")
    wait_for_script(page)
    painted, pressed_on = page.evaluate("[window.painted, window.pressedOn]")
    decided = decided_samples(as_killed(project))
    assert len(decided) >= 1
    assert len(decided) == len(set(decided))
    assert set(decided) <= set(painted) & set(pressed_on)


def test_no_unhurried_key_is_dropped_and_none_lost_by_kill(page: Page, app_server: StartApp, project: Path) -> None:
    """Every press on a sample that is wholly on screen counts, and is in the file before the next one shows."""
    server = app_server(project)
    open_review(page, server, project)
    for number in range(5):
        page.keyboard.press("a")
        wait_for_sample(page, f"s{number + 1}")
    server.kill()
    assert decided_samples(project) == ["s0", "s1", "s2", "s3", "s4"]


def test_reload_keeps_the_place_and_the_decisions(page: Page, shared_server: AppServer, project: Path) -> None:
    """Place and decisions live in the address and the file, not in the session."""
    open_review(page, shared_server, project, queue="closest")
    page.keyboard.press("x")
    page.get_by_text("27 open").wait_for()
    wait_for_script(page)
    address = address_of(page)
    page.reload()
    page.get_by_text("27 open").wait_for()
    wait_for_script(page)
    assert address_of(page) == address
    assert "queue=closest" in address and "sample=s" in address


def test_every_key_does_what_its_button_says(page: Page, shared_server: AppServer, project: Path) -> None:
    """Digits, Space, Backspace and the arrows work as keys; letters typed into the form decide nothing."""
    open_review(page, shared_server, project)
    for key, sample in (("1", "s1"), ("Space", "s2"), ("Backspace", "s1"), ("ArrowRight", "s2"), ("ArrowLeft", "s1")):
        page.keyboard.press(key)
        wait_for_sample(page, sample)
    page.keyboard.press("e")
    box = page.get_by_role("textbox", name="Response")
    box.click()
    page.keyboard.press("End")
    page.keyboard.type(" axa1")
    page.keyboard.press("Control+s")
    wait_for_sample(page, "s2")
    with Store.open(as_killed(project)) as store:
        kept = decisions.last_decisions(store, "curator")
        edited = candidates.edit(store, kept[0].event_id)
    assert [(decision.action, decision.sample_id) for decision in kept] == [("edit", "s1"), ("choose", "s0")]
    assert edited and edited.pair.response == "Done. axa1"


def create_with_losses(server: AppServer, folder: Path) -> tuple[Path, dict[str, str]]:
    """Create a scored project of hostile responses; return its file, and of each sample the instruction, in order."""
    path = server.projects_dir / f"{folder.name}.srt"
    create_scored_project(path, save_student(folder / "student"), 4).close()
    with Store.open(path) as store, store.transaction() as tx:
        tx.execute("UPDATE candidate SET response = response || ? WHERE origin = 'ORIGINAL'", [EVIL])
        originals = (
            "SELECT sample_id, instruction FROM candidate JOIN sample USING (sample_id) WHERE origin = 'ORIGINAL'"
        )
        return path, dict(tx.execute(f"{originals} ORDER BY seq"))


# It stands before the other test of token losses: the server loads its first student, so the job takes a while.
def test_a_job_that_ends_while_a_sample_is_on_its_way_takes_nobody_back(
    page: Page, shared_server: AppServer, tmp_path: Path
) -> None:
    """The page runs again when token losses are there: at the sample that a key went to, though no browser has it yet.

    Until it has, the timer that asks after the job tells the address of the sample before.
    """
    path, instructions = create_with_losses(shared_server, tmp_path)
    names = list(instructions)
    wire = Wire()
    page.route_web_socket("**/_stcore/stream", wire.lay)
    open_review(page, shared_server, path)
    page.get_by_role("tab", name="Token losses").click()
    page.get_by_role("button", name="Show token losses").click()
    page.get_by_text("Computing token losses.").wait_for()
    wait_for_script(page)
    wire.is_held = True
    page.keyboard.press("ArrowRight")
    until(page, lambda: count_done(as_killed(path), "explain") == 1)
    said = wire.said
    until(page, lambda: wire.said >= said + 3)  # the timer has gone off, and what it said was heard
    wire.release()
    wait_for_sample(page, names[1])
    page.locator("[data-testid=stHtml]:has(span[title])", has_text=instructions[names[1]]).last.wait_for()
    assert f"sample={names[1]}" in address_of(page)


def test_token_losses_show_and_keys_go_on(page: Page, shared_server: AppServer, tmp_path: Path) -> None:
    """The button draws coloured pieces with their numbers; the next samples show theirs by themselves; keys go on."""
    path, instructions = create_with_losses(shared_server, tmp_path)
    names = list(instructions)
    open_review(page, shared_server, path)
    page.get_by_role("tab", name="Token losses").click()
    page.get_by_role("button", name="Show token losses").click()
    pieces = page.locator("span[title*=easier], span[title*=harder]")
    pieces.first.wait_for()
    assert "rgba(" in str(page.evaluate("e => getComputedStyle(e).backgroundColor", pieces.first.element_handle()))
    assert EVIL in page.locator("[data-testid=stHtml]").last.inner_text()
    wait_for_script(page)
    page.get_by_role("heading", name="Review").click()  # arrows on a tab go to the next tab
    for name in names[1:3]:
        page.keyboard.press("ArrowRight")
        wait_for_sample(page, name)
        page.locator("[data-testid=stHtml]:has(span[title])", has_text=instructions[name]).last.wait_for()
        wait_for_script(page)
    page.keyboard.press("x")
    wait_for_sample(page, names[3])
    page.locator("[role=tab][aria-selected=true]", has_text="Token losses").wait_for()
    page.keyboard.press("e")
    page.get_by_role("textbox", name="Response").wait_for()
    wait_for_script(page)
    page.keyboard.press("Control+s")
    wait_for_sample(page, names[0])
    page.locator("[role=tab][aria-selected=true]", has_text="Token losses").wait_for()
    assert [name for name in decided_samples(as_killed(path)) if name in names] == [names[2], names[3]]


def test_texts_of_the_data_are_never_markup(page: Page, shared_server: AppServer, project: Path) -> None:
    """A text with tags, Markdown or an image address shows as it is and fetches nothing."""
    with Store.open(project) as store, store.transaction() as tx:
        tx.execute("UPDATE candidate SET response = ? WHERE origin = 'RESPONSE'", [EVIL])
    open_review(page, shared_server, project)
    assert EVIL in page.locator("[data-testid=stHtml]").first.inner_text()
