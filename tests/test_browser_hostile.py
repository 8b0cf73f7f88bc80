"""Hostile text in every field of a project, in a real browser: it shows as text and reaches nothing."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from srt_core.project import candidates
from srt_core.project.store import Store
from srt_core.records import Action, Context, Decision, Origin, Pair, Policy, Role, Turn
from srt_core.review import decisions
from srt_core.review.decisions import decide_all
from srt_core.select import policy as policies
from srt_core.select.derive import refresh
from srt_core.ui.frame.navigation import PAGES
from tests.conftest import AppServer, as_killed, wait_for_script
from tests.desk_browser import open_desk, part, wait_for_sample, wait_until_saved
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project, sample_name
from tests.test_markdown import HOSTILE

pytestmark = pytest.mark.browser

EVIL = (
    '</div><script>window.harmed = 1</script><img class=harm src="http://198.51.100.7/a.png" onerror="window.harmed=1">'
    "<style>body{display:none}</style> ![x](http://198.51.100.7/b.png) [y](javascript:window.harmed=1) $$\\frac{1}{2}$$"
    " :red[z] :material/home: `code` # Title\n\n# Title \u202eright to left\u202c zero\u200bwidth \u0001"
    " {brace} %s '\"; --"
)
LONG = EVIL + "word " * 20_000
CASE = Case({origin: Numbers(0.5 + 0.1 * place, 0.9 - 0.1 * place) for place, origin in enumerate(Origin)})
ADDRESSES = ["" if page == "app.py" else Path(page).stem.partition("_")[2] for page in PAGES]
HARM = """() => {
    const roots = [document, ...[...document.querySelectorAll('*')].map(each => each.shadowRoot).filter(Boolean)];
    const harm = roots.flatMap(root => [...root.querySelectorAll('.harm, img[src*="198.51"], a[href^="javascript"]')]);
    return [window.harmed, harm.length, getComputedStyle(document.body).display];
}"""


@pytest.fixture
def project(shared_server: AppServer, tmp_path: Path) -> Path:
    """A project in which everything that a file, a teacher or a person can write is hostile."""
    path = shared_server.projects_dir / f"{tmp_path.name}.srt"
    with create_project(path, [CASE] * 8) as store:
        _spoil_texts(store)
        refresh(store)
        policies.save_policy(store, Policy().limited(max_ifd=0.9), EVIL)
        pair = Pair(EVIL, LONG, EVIL)
        decisions.decide(
            store, Decision(sample_name(0), Action.EDIT, EVIL, Origin.ORIGINAL, pair), expected_event_id=None
        )
        decisions.decide(store, Decision(sample_name(1), Action.CHOOSE, "ann", Origin.BOTH), expected_event_id=None)
        decide_all(store, "seq = 3", {}, Action.APPROVE, EVIL, EVIL)
    return path


def _spoil_texts(store: Store) -> None:
    with store.transaction() as tx:
        tx.execute("UPDATE candidate SET instruction = ?, input = ?, response = ?", [EVIL, EVIL, EVIL])
        tx.execute("UPDATE candidate SET response = ? WHERE sample_id = ?", [LONG, sample_name(5)])
        context = Context(EVIL, (Turn(Role.USER, EVIL), Turn(Role.ASSISTANT, EVIL)))
        held = " ".join(context.roles), context.json
        tx.execute("INSERT INTO context (context_id, hash, roles, messages) VALUES (1, 'h', ?, ?)", held)
        tx.execute("UPDATE candidate SET context_id = 1")
        tx.execute("UPDATE sample SET extra = ?", [json.dumps({EVIL: EVIL, "plain": EVIL})])
        tx.execute("INSERT INTO import (path, sha256, format, options) VALUES (?, 's', 'jsonl', '{}')", [EVIL])
        tx.execute(
            'INSERT INTO reject (import_id, "row", line, reason, detail, raw) VALUES (1, 1, 1, ?, ?, ?)', [EVIL] * 3
        )
        tx.execute("UPDATE scoring SET student = ?, template = ?", [EVIL, EVIL])
        tx.execute("UPDATE candidate SET producer = ? WHERE origin <> 'ORIGINAL'", [EVIL])
        tx.execute(
            """INSERT INTO producer (producer, kind, teacher, prompt_version, prompt_hash, prompt_texts)
               VALUES (?, 'teacher', ?, ?, '', ?)""",
            [EVIL] * 4,
        )
        tx.execute(
            """INSERT INTO teacher_call (request_hash, producer, stage, outcome, raw, detail, finish_reason, model,
                                         latency_seconds) VALUES ('h', ?, 'response', 'answered', ?, ?, ?, ?, 1)""",
            [EVIL] * 5,
        )
        tx.execute(
            """INSERT INTO reflection (sample_id, origin, producer, call_id, status, reason, detail, critique)
               SELECT sample_id, 'RESPONSE', ?, 1, 'refused', 'missing_section', ?, ? FROM sample""",
            [EVIL, EVIL, json.dumps({EVIL: EVIL, "helpfulness": EVIL})],
        )
        tx.execute("INSERT INTO job (kind, state, arguments, message) VALUES ('reflect', 'failed', ?, ?)",
                   [json.dumps({"model": EVIL}), EVIL])  # fmt: skip
        tx.bump()


def test_hostile_text_shows_as_text_on_every_page(page: Page, shared_server: AppServer, project: Path) -> None:
    """No page runs, fetches or renders anything of the data, wherever it stands."""
    for name in ADDRESSES:
        for query in ("", f"sample={sample_name(0)}", f"sample={sample_name(5)}")[
            : 3 if name in ("Review", "Explore") else 1
        ]:
            page.goto(shared_server.link(f"/{name}?project={project.stem}&{query}"))
            page.locator("h1").first.wait_for()
            wait_for_script(page)
            assert page.evaluate(HARM) == [None, 0, "block"], (name, query)
            assert page.get_by_test_id("stException").count() == 0, (name, query)


def test_hostile_text_of_a_sample_can_be_read(page: Page, shared_server: AppServer, project: Path) -> None:
    """Review shows the very characters of a hostile response, in every tab too; keys open one and decide its sample."""
    open_desk(page, shared_server, project, sample=sample_name(6), curator="ann")
    assert page.locator(".pane .text").last.text_content() == EVIL
    page.keyboard.press("s")
    expect(part(page, "drawer")).to_contain_text("Compute vectors on Score")
    for tab in ("Critique", "Raw replies", "History", "Failed"):
        page.get_by_role("button", name=re.compile(f"^{tab}")).click()
        expect(part(page, "drawer")).not_to_have_text("Reading …")
        assert page.evaluate(HARM) == [None, 0, "block"], tab
    page.keyboard.press("x")
    wait_for_sample(page, sample_name(7))
    wait_until_saved(page)
    with Store.open(as_killed(project)) as store:
        assert candidates.count_samples(store) == 8
        assert store.value("SELECT action FROM standing WHERE sample_id = ?", [sample_name(6)]) == "reject"


def test_hostile_text_read_as_markdown_makes_no_element_but_ours(
    page: Page, shared_server: AppServer, project: Path
) -> None:
    """M draws lists, tables and code of the data, and nothing that runs, is fetched or can be followed; M ends it."""
    hostile = "\n\n".join(
        [*HOSTILE, EVIL, "- *one*\n- two", "|a|b|\n|-|-|\n|1|2|", "```\n<b>code</b>\n```", "$x_1*y*$"]
    )
    with Store.open(project) as store, store.transaction() as tx:
        tx.execute("UPDATE candidate SET response = ? WHERE sample_id = ?", [hostile, sample_name(6)])
        tx.bump()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_desk(page, shared_server, project, sample=sample_name(6), curator="ann")
    assert page.locator(".markdown").count() == 0
    page.keyboard.press("m")
    drawn = page.locator(".pane .markdown").last
    expect(drawn.locator("li")).to_have_count(2)
    tags = drawn.evaluate("each => [...new Set([...each.querySelectorAll('*')].map(one => one.localName))].sort()")
    table = {"table", "thead", "tbody", "tr", "th", "td"}
    assert set(tags) <= {"p", "ul", "ol", "li", "em", "strong", "s", "code", "pre", "blockquote", "hr"} | table
    names = drawn.evaluate("""each => [...new Set([...each.querySelectorAll('*')].flatMap(
        one => [...one.attributes].map(found => found.name)))]""")
    assert names == ["class"]
    text = str(drawn.text_content())
    for told in ("<script>window.harmed=1</script>", "![x](http://198.51.100.7/b.png)", "javascript:alert(1)",
                 "<b>code</b>", "$x_1*y*$", "<iframe"):  # fmt: skip
        assert told in text
    assert page.evaluate(HARM) == [None, 0, "block"]
    page.keyboard.press("ArrowRight")
    wait_for_sample(page, sample_name(7))
    expect(page.locator(".pane .markdown").last).to_be_visible()
    page.keyboard.press("m")
    expect(page.locator(".markdown")).to_have_count(0)
    assert [url for url in asked if "198.51" in url] == []
