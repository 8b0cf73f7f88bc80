"""Who gets in: a real server on every interface gives nothing of a project to somebody who is not logged in."""

import base64
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, expect

from srt_core.people import People, Role, hash_password, save
from srt_core.project.store import Store
from srt_core.records import Origin
from tests.conftest import AppServer, StartApp, address_of, free_port, wait_for_script
from tests.openid_provider import running_provider
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

pytestmark = pytest.mark.browser

CASE = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})
SECRET_TEXT = "the text that nobody outside may read"
PASSWORDS = {"Ann": "a long pass phrase", "Ben": "another pass phrase"}
PROXY = {"STREAMLIT_SERVER_TRUSTED_USER_HEADERS": '{"X-Forwarded-Email": "email"}'}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "guarded.srt"
    create_project(path, [CASE] * 4).close()
    with Store.open(path) as store, store.transaction() as tx:
        tx.execute("UPDATE candidate SET response = ?", [SECRET_TEXT])
    return path


def add_people(folder: Path) -> Path:
    """Ann is an owner, Ben a curator."""
    people = People()
    for name, role in (("Ann", Role.OWNER), ("Ben", Role.CURATOR)):
        people = people.add(name, role, hash_password(PASSWORDS[name]))
    path = folder / "projects" / "people.toml"
    save(path, people)
    return path


def sessions_of(page: Page) -> list[WebSocket]:
    """The sessions that a page begins from now on."""
    sessions: list[WebSocket] = []

    def note(opened: WebSocket) -> None:
        sessions.append(opened)

    page.on("websocket", note)
    return sessions


def ask(
    server: AppServer, path: str, method: str = "GET", body: str | None = None, **headers: str
) -> tuple[int, str, Mapping[str, str]]:
    """Send one request as it stands; gives status, body and headers."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.url).port, timeout=20)
    try:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=sent)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace"), dict(answer.getheaders())
    finally:
        connection.close()


def open_socket(server: AppServer, **headers: str) -> int:
    """Ask for the websocket of a session as a browser does; returns the status of the answer."""
    key = base64.b64encode(os.urandom(16)).decode()
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    return ask(server, "/_stcore/stream", **{**asked, "Origin": server.url, **headers})[0]


def upload(server: AppServer, cookies: Mapping[str, str], **headers: str) -> int:
    """Send a file as the page does, whose length is what a header says; returns the status of the answer."""
    xsrf = cookies.get("_streamlit_xsrf", "")
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    sent = {"Cookie": cookie, "Origin": server.url, "X_Xsrftoken": xsrf, **headers}
    return ask(server, "/_stcore/upload_file/session/file", "PUT", "0\r\n\r\n", **sent)[0]


def let_in(server: AppServer) -> str:
    """The cookie of a browser that came by the address with the token."""
    return ask(server, server.link("/").removeprefix(server.url))[2]["set-cookie"].partition(";")[0]


def log_in(server: AppServer, name: str, password: str) -> tuple[int, str, Mapping[str, str]]:
    form = urlencode({"name": name, "password": password, "next": "/"})
    kind = "application/x-www-form-urlencoded"
    return ask(server, "/login", "POST", form, Content_Type=kind, Origin=server.url)


def end_amid_logins(server: AppServer) -> None:
    """Send SIGTERM while a login is on its way, and more wait than are checked at once; the process ends."""
    address = urlsplit(server.url)
    with ExitStack() as stack:
        for number in range(9):
            body = urlencode({"name": f"n{number}", "password": "wrong wrong wrong"})
            length = len(body) if number else 1_000  # the first one never ends
            form = "Content-Type: application/x-www-form-urlencoded"
            sent = f"POST /login HTTP/1.1\r\nHost: {address.netloc}\r\n{form}\r\nContent-Length: {length}\r\n\r\n{body}"
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", address.port or 0)))
            connection.sendall(sent.encode())
        assert connection.recv(1)  # more wait than may: the last one is answered at once, or its password was checked
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0


def fill_login(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORDS[name])
    page.get_by_role("button", name="Log in").click()


def test_nothing_is_given_to_somebody_who_is_not_logged_in(
    app_server: StartApp, project: Path, tmp_path: Path, page: Page
) -> None:
    """On every interface: no page, file, upload or session without a login; with one all is there, also on reload.

    Files are taken from owners alone, and never more than the server is to hold.

    Whoever is removed can do nothing more: an open session ends with its next click. Told to end, the server does so
    with passwords still to be checked, and with a form that does not arrive whole.
    """
    people = add_people(tmp_path)
    server = app_server(project, address="0.0.0.0")
    for path in ("/", "/Review", "/static/index.html", "/media/x", "/_stcore/host-config", "/_stcore/metrics"):
        status, body, _ = ask(server, path)
        assert (status, body) == (HTTPStatus.UNAUTHORIZED, "Log in first."), path
    assert ask(server, "/_stcore/upload_file/a/b", "PUT", "x")[0] == HTTPStatus.UNAUTHORIZED
    assert open_socket(server) == HTTPStatus.FORBIDDEN
    forged = base64.urlsafe_b64encode(b'{"way": "password", "name": "Ann", "mark": "", "until": 9e12}').decode()
    for cookie in ("srt_login=x", f"srt_login={forged}.{'0' * 64}", "srt_login=" + "é" * 9):
        assert open_socket(server, Cookie=cookie.replace("srt_login", server.cookie())) == HTTPStatus.FORBIDDEN
    assert open_socket(server, X_Srt_Login='x {"way": "local", "name": "Ann"}') == HTTPStatus.FORBIDDEN
    assert open_socket(server, X_Forwarded_Email="Ann") == HTTPStatus.FORBIDDEN
    assert log_in(server, "Ann", "wrong wrong wrong")[0] == HTTPStatus.UNAUTHORIZED
    assert "Login failed for 'Ann'" in server.log_path.read_text("utf-8")
    assert "wrong wrong" not in server.log_path.read_text("utf-8")

    page.goto(f"{server.url}/Review?queue=all")
    expect(page).to_have_url(re.compile("/login"))
    fill_login(page, "Ann")
    expect(page).to_have_url(re.compile("/Review.*queue=all"))
    expect(page.get_by_text(SECRET_TEXT).first).to_be_visible()
    page.reload()
    expect(page.get_by_text(SECRET_TEXT).first).to_be_visible()
    expect(page.get_by_text("Ann · owner")).to_be_visible()
    kept = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    for sent, status in (
        ({"Content_Length": str(3 * 2**30)}, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        ({"Transfer_Encoding": "chunked"}, HTTPStatus.LENGTH_REQUIRED),
        ({"Content_Length": "1"}, HTTPStatus.BAD_REQUEST),  # Streamlit's: there is no such session
    ):
        assert upload(server, kept, **sent) == status
    page.get_by_role("link", name="Log out").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/login"))
    assert open_socket(server, Cookie=f"{server.cookie()}={kept[server.cookie()]}") == HTTPStatus.FORBIDDEN

    fill_login(page, "Ben")
    expect(page).not_to_have_url(re.compile("/login"))
    kept = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    assert upload(server, kept, Content_Length="1") == HTTPStatus.FORBIDDEN
    sessions = sessions_of(page)
    page.goto(f"{server.url}/Review?queue=all")
    page.get_by_role("button", name="Accept").wait_for()
    wait_for_script(page)
    save(people, People("0" * 64).add("Ann", Role.OWNER, hash_password(PASSWORDS["Ann"])))  # Ben is gone
    with sessions[-1].expect_event("close"):
        page.keyboard.press("x")
    assert ask(server, "/")[0] == HTTPStatus.UNAUTHORIZED
    end_amid_logins(server)
    with Store.open(project) as store:
        assert store.value("SELECT count(*) FROM event") == 0


def test_without_anybody_to_log_in_nothing_is_shown(app_server: StartApp, project: Path) -> None:
    """A server on every interface where nobody can log in says what to do, by whatever script it was started."""
    server = app_server(project, address="0.0.0.0")
    status, body, _ = ask(server, "/", Accept="text/html")
    assert status == HTTPStatus.FORBIDDEN
    assert "srt people add NAME --role owner" in body
    assert open_socket(server) == HTTPStatus.FORBIDDEN
    assert "nobody can log in" in server.log_path.read_text("utf-8")
    command = [sys.executable, "-m", "srt_core", "app", "--address", "0.0.0.0", "--port", str(free_port())]
    environment = {**os.environ, "SRT_PROJECTS_DIR": str(server.projects_dir)}
    ended = subprocess.run([*command, "--no-browser"], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "srt people add NAME --role owner" in ended.stderr


@pytest.mark.parametrize(
    ("address", "way_in"), [("0.0.0.0", "srt people add NAME"), ("127.0.0.1", "Start the app: srt app")]
)
def test_a_page_started_without_the_gate_shows_nothing(
    app_server: StartApp, project: Path, page: Page, address: str, way_in: str
) -> None:
    """Also a single page under `streamlit run`, which has no gate before it, refuses, on this machine too."""
    server = app_server(project, script="pages/6_Review.py", address=address)
    page.goto(f"{server.url}/?queue=all")
    expect(page.get_by_text("You are not logged in.")).to_be_visible()
    expect(page.get_by_text(re.compile(way_in))).to_be_visible()
    wait_for_script(page)
    assert SECRET_TEXT not in page.content()
    assert "guarded" not in page.content()


def test_an_open_server_answers_this_machine_alone(
    app_server: StartApp, project: Path, tmp_path: Path, browser: Browser
) -> None:
    """On 127.0.0.1 without anybody to log in: not under another name, and not for what a proxy passes on.

    Two people at one sample: the second is told who decided, and with one more key decides knowingly. Once people are
    added, an open session without a login ends with its next key.
    """
    server = app_server(project)
    cookie = let_in(server)
    assert ask(server, "/", Cookie=cookie)[0] == HTTPStatus.OK
    assert open_socket(server, Cookie=cookie) == HTTPStatus.SWITCHING_PROTOCOLS
    for elsewhere in ("http://127.0.0.1:9", "http://evil.example", "null"):
        sent = {"Cookie": cookie, "Origin": elsewhere}
        assert open_socket(server, **sent) == HTTPStatus.FORBIDDEN
        assert ask(server, "/_stcore/upload_file/a/b", "PUT", "x", **sent)[0] == HTTPStatus.FORBIDDEN
    headers = ask(server, "/", Cookie=cookie)[2]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"
    for passed_on in ({"Host": "evil.example"}, {"X_Forwarded_For": "203.0.113.9"}):
        assert ask(server, "/", Cookie=cookie, **passed_on)[0] == HTTPStatus.FORBIDDEN
        assert ask(server, server.link().removeprefix(server.url), **passed_on)[0] == HTTPStatus.FORBIDDEN
        assert open_socket(server, Cookie=cookie, **passed_on) == HTTPStatus.FORBIDDEN
    with browser.new_context() as one, browser.new_context() as other:
        ann, ben = one.new_page(), other.new_page()
        sessions = sessions_of(ben)
        for page, name in ((ann, "Ann"), (ben, "Ben")):
            page.goto(server.link(f"/Review?queue=all&sample=s0&curator={name}"))
            page.get_by_role("button", name="Accept").wait_for()
            wait_for_script(page)
        ann.keyboard.press("x")
        ann.locator("code", has_text="s1").wait_for()
        ben.keyboard.press("a")
        expect(ben.get_by_text("Sample s0 was decided meanwhile: reject by Ann.")).to_be_visible()
        expect(ben.get_by_text(re.compile("Rejected, by Ann"))).to_be_visible()
        wait_for_script(ben)
        ben.keyboard.press("a")
        ben.locator("code", has_text="s1").wait_for()
        wait_for_script(ben)
        add_people(tmp_path)
        with sessions[-1].expect_event("close"):
            ben.keyboard.press("x")
    server.kill()
    with Store.open(project) as store:
        rows = store.rows("SELECT author, kind FROM event ORDER BY event_id")
    assert [(row["author"], row["kind"]) for row in rows] == [("Ann", "reject"), ("Ben", "approve")]


def test_who_has_no_token_is_asked_for_it_once(app_server: StartApp, project: Path, page: Page) -> None:
    """Without the token of the address nothing is given, on this machine either; with it a deep link goes on as it was.

    The token stands in no address that stays, in no log and in no page. Another port's cookie is another cookie.
    Another token ends what the old one opened.
    """
    server = app_server(project, address="127.0.0.1")
    for path in ("/", "/static/index.html", "/media/x", "/_stcore/host-config", "/?token="):
        assert ask(server, path)[0] in (HTTPStatus.UNAUTHORIZED, HTTPStatus.SEE_OTHER), path
    assert ask(server, "/_stcore/upload_file/a/b", "PUT", "x", Origin=server.url)[0] == HTTPStatus.UNAUTHORIZED
    assert open_socket(server) == HTTPStatus.FORBIDDEN
    assert open_socket(server, Cookie=let_in(server).replace(server.cookie(), "srt_login_1")) == HTTPStatus.FORBIDDEN
    assert "set-cookie" not in ask(server, f"/?token={server.token[:-1]}")[2]
    status, _, headers = ask(server, f"//evil.example/?x=1&token={server.token}")
    assert (status, headers["location"]) == (HTTPStatus.SEE_OTHER, "/")

    page.goto(f"{server.url}/Review?queue=all&token=old")
    expect(page).to_have_url(re.compile("/login"))
    expect(page.get_by_text("That is not the token of this app.")).to_be_visible()
    expect(page.get_by_text(f"srt link --port {urlsplit(server.url).port}")).to_be_visible()
    page.get_by_label("Or paste that address").fill(server.link("/Score"))
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text(SECRET_TEXT).first).to_be_visible()
    expect(page).to_have_url(re.compile("/Review.*queue=all"))
    told = [page.url, *page.evaluate("performance.getEntries().map(each => each.name)"), page.content()]
    assert not any(server.token in each for each in [*told, server.log_path.read_text("utf-8")])

    sessions = sessions_of(page)
    page.goto(server.link("/Review?queue=all"))
    page.get_by_role("button", name="Accept").wait_for()
    wait_for_script(page)
    assert "token" not in address_of(page)
    command = [sys.executable, "-m", "srt_core", "link", "--port", str(urlsplit(server.url).port), "--new"]
    environment = {**os.environ, "SRT_PROJECTS_DIR": str(server.projects_dir)}
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == server.link()
    with sessions[-1].expect_event("close"):
        page.keyboard.press("x")


@pytest.fixture
def behind_proxy(browser: Browser) -> Iterator[BrowserContext]:
    """A browser behind a proxy that logged eve@example.com in."""
    with browser.new_context(extra_http_headers={"X-Forwarded-Email": "eve@example.com"}) as context:
        yield context


def test_a_proxys_header_names_the_person(app_server: StartApp, project: Path, behind_proxy: BrowserContext) -> None:
    """Where the header is configured it logs in whom it names, as a curator where no file says otherwise."""
    server = app_server(project, **PROXY)
    assert ask(server, "/")[0] == HTTPStatus.UNAUTHORIZED
    page = behind_proxy.new_page()
    page.goto(f"{server.url}/Export")
    expect(page.get_by_text("eve@example.com · curator")).to_be_visible()
    expect(page.get_by_text(re.compile("Only an owner may export"))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Write"))).to_be_disabled()


def test_openid_connect_logs_in_with_a_verified_address(
    app_server: StartApp, project: Path, tmp_path: Path, page: Page
) -> None:
    """The login page leads to the provider and back; the name is a verified e-mail address, the role the file's."""
    pytest.importorskip("authlib", reason="the extra auth is not installed")
    save(tmp_path / "projects" / "people.toml", People().add("zoe@example.com", Role.OWNER, None))
    secrets = tmp_path / "secrets.toml"
    with running_provider() as provider:
        port = free_port()
        secrets.write_text(provider.secrets(f"http://127.0.0.1:{port}"), encoding="utf-8")
        server = app_server(
            project, address="0.0.0.0", port=port, STREAMLIT_SECRETS_FILES=str(secrets), NO_PROXY="127.0.0.1"
        )
        assert open_socket(server) == HTTPStatus.FORBIDDEN
        provider.claims = {"sub": "77", "email": "zoe@example.com", "preferred_username": "zoe@example.com"}
        page.goto(f"{server.url}/History")
        page.get_by_role("link", name="Log in with OpenID Connect").click()
        expect(page.get_by_text("has verified no e-mail address of yours")).to_be_visible()
        provider.claims |= {"email_verified": True}
        page.get_by_role("link", name="Log in with OpenID Connect").click()
        expect(page.get_by_text("zoe@example.com · owner")).to_be_visible()
        page.reload()
        expect(page.get_by_text("zoe@example.com · owner")).to_be_visible()
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in page.context.cookies())
        assert open_socket(server, Cookie=cookies) == HTTPStatus.SWITCHING_PROTOCOLS
        page.get_by_role("link", name="Log out").click()
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(re.compile("/login"))
        assert open_socket(server, Cookie=cookies) == HTTPStatus.FORBIDDEN
