"""Who is who: names, roles, the file of people, passwords, logins, and when somebody has to log in."""

import base64
import hashlib
import stat
import tomllib
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from srt_core.commands.main import app
from srt_core.errors import PeopleError
from srt_core.people import (
    Login,
    LoginMethod,
    LoginThrottle,
    People,
    Person,
    Role,
    access_token,
    app_address,
    check_password,
    clean_name,
    end_login,
    ended_logins,
    hash_password,
    is_access_token,
    keep_secret,
    load,
    local_login,
    opening_page,
    password_login,
    people_path,
    person_of,
    read_device,
    read_token,
    save,
    write_device,
    write_token,
)
from srt_core.people.login_methods import LoginMethods, is_local_request, is_loopback, is_same_origin, is_trusted_proxy

HASH = hash_password("a long pass phrase")
PEOPLE = People().add("Ann", Role.OWNER, HASH).add("ben@example.com", Role.CURATOR, None)


@given(st.text())
def test_a_name_is_plain_short_and_never_empty(text: str) -> None:
    """Whatever text comes, the name has no control or format mark, at most 80 letters, and stays when cleaned again."""
    name = clean_name(text)
    assert 0 < len(name) <= 80
    assert not any(unicodedata.category(letter).startswith("C") for letter in name)
    assert clean_name(name) == name


def test_marks_that_hide_or_turn_a_name_are_taken_out() -> None:
    """Bidirectional overrides, zero-width letters and line breaks do not stay in a name; nothing is "curator"."""
    assert clean_name("  An\u202en\u200b \n Lee\x00 ") == "Ann Lee"
    assert clean_name(" \u2066 ") == "curator"


def test_a_password_is_kept_salted_and_checked_whole() -> None:
    """The same password is kept as another text each time; only it fits; nobody fits where there is none."""
    assert hash_password("a long pass phrase") != HASH
    assert "a long" not in HASH
    assert check_password("a long pass phrase", HASH)
    assert not check_password("a long pass phrase ", HASH)
    assert not check_password("", None)
    old = (
        "scrypt$4$8$1$c2FsdHNhbHQ=$"
        + base64.b64encode(hashlib.scrypt(b"an older phrase", salt=b"saltsalt", n=16, r=8, p=1)).decode()
    )
    assert check_password("an older phrase", old)
    assert not check_password("an older phrase ", old)
    with pytest.raises(PeopleError):
        hash_password("too short")


def test_the_file_is_for_its_owner_alone_and_reads_back(tmp_path: Path) -> None:
    """Mode 0600, valid TOML whatever the names, the same people when read, and a change is seen at once."""
    path = tmp_path / "projects" / "people.toml"
    people = PEOPLE.add('Zoë "Z" \\ #1', Role.CURATOR, HASH)
    save(path, people)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load(path) == people
    assert len(tomllib.loads(path.read_text("utf-8"))["person"]) == 3
    save(path, people.remove("ann"))
    assert load(path).find("Ann") is None
    assert [each.name for each in path.parent.iterdir()] == ["people.toml"]


@pytest.mark.parametrize("text", ["person = 1", "[[person]]\nname = 'x'", "x =", "[[person]]\nname='a'\nrole='king'"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """A damaged file of people lets nobody in: reading it is an error, and not a file without people."""
    path = tmp_path / "people.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PeopleError):
        load(path)


@pytest.mark.parametrize("name", ["", "curator", "ann", "ANN", "x\u200b", "a" * 81])
def test_names_that_could_be_taken_for_another_are_refused(name: str) -> None:
    """No empty name, none that differs by case or by what is not seen, none that cleaning would change."""
    with pytest.raises(PeopleError):
        PEOPLE.add(name, Role.CURATOR, None)


def test_a_login_ends_with_its_time_its_password_and_its_person() -> None:
    """A login by password stands for a week, as long as the person is there with that password."""
    login = password_login(PEOPLE, "ann", now=1_000)
    assert person_of(login, PEOPLE, 2_000) == Person("Ann", Role.OWNER)
    assert person_of(login, PEOPLE.change("Ann", role=Role.CURATOR), 2_000) == Person("Ann", Role.CURATOR)
    assert person_of(login, PEOPLE, login.until) is None
    assert person_of(login, PEOPLE.remove("Ann"), 2_000) is None
    assert person_of(login, PEOPLE.change("Ann", password=hash_password("another one it is")), 2_000) is None


def test_a_role_comes_from_the_file_else_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom a proxy or a provider names has the file's role; who is not listed has SRT_DEFAULT_ROLE, else curator."""
    listed = PEOPLE.change("ben@example.com", role=Role.OWNER)
    assert person_of(Login(LoginMethod.PROXY, "Ben@Example.com"), listed, 0) == Person("ben@example.com", Role.OWNER)
    assert person_of(Login(LoginMethod.OPENID, "eve@example.com"), PEOPLE, 0) == Person("eve@example.com", Role.CURATOR)
    monkeypatch.setenv("SRT_DEFAULT_ROLE", "owner")
    assert person_of(Login(LoginMethod.PROXY, "eve@example.com"), PEOPLE, 0) == Person("eve@example.com", Role.OWNER)
    monkeypatch.setenv("SRT_DEFAULT_ROLE", "king")
    with pytest.raises(PeopleError):
        person_of(Login(LoginMethod.PROXY, "eve@example.com"), PEOPLE, 0)


def test_a_token_is_read_only_as_it_was_written() -> None:
    """A token that was changed, cut, signed with another secret or with none is nobody's."""
    token = write_token(Login(LoginMethod.PASSWORD, "Ann", "mark", 9.0), PEOPLE.secret)
    assert read_token(token, PEOPLE.secret) == Login(LoginMethod.PASSWORD, "Ann", "mark", 9.0)
    for other in ("", "x", token[:-1], "A" + token[1:], token.replace(".", ""), token + "é", "\ud800"):
        assert read_token(other, PEOPLE.secret) is None
    assert read_token(token, "0" * 64) is None
    assert read_token(write_token(Login(LoginMethod.LOCAL), ""), "") is None


def test_the_eleventh_try_for_an_account_is_refused_wherever_it_comes_from() -> None:
    """Ten tries are checked, the next ones not; what was refused does not make the wait longer."""
    throttle = LoginThrottle()
    assert [bool(throttle.count("Ann", f"192.0.2.{number}").refused) for number in range(12)] == [False] * 10 + [
        True
    ] * 2
    assert throttle.count("ann", "203.0.113.1").refused <= 900
    assert not throttle.count("Ben", "203.0.113.1").refused
    throttle.forgive("ANN")
    assert not throttle.count("Ann", "203.0.113.1").refused


def test_an_address_that_tries_many_accounts_is_refused() -> None:
    """Thirty tries from one IPv4 address, or one IPv6 network, whatever names they are for; others are not refused."""
    for one, near, far in (("192.0.2.1", "192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")):
        throttle = LoginThrottle()
        assert not any(throttle.count(f"name {number}", one).refused for number in range(30))
        assert throttle.count("somebody else", near).refused
        assert not throttle.count("somebody else", far).refused


def test_a_known_browser_passes_where_others_are_refused() -> None:
    """Nobody locks somebody out of a browser in which they logged in before; guesses from there are limited as well."""
    throttle = LoginThrottle()
    for number in range(40):
        throttle.count("Ann", f"192.0.2.{number}")
    assert throttle.count("Ann", "192.0.2.1").refused
    assert [bool(throttle.count("Ann", "192.0.2.1", "her own").refused) for _ in range(11)] == [False] * 10 + [True]


def test_many_tries_in_all_refuse_nobody_but_make_each_check_begin_later() -> None:
    """The delay grows with the tries of the last minute, up to a second."""
    throttle = LoginThrottle()
    delays = [throttle.count(f"name {number}", f"10.0.{number // 250}.{number % 250}").delay for number in range(300)]
    assert delays[:30] == [0.0] * 30
    assert delays == sorted(delays)
    assert delays[-1] == 1.0


def test_a_browser_is_known_by_a_signed_mark_of_the_account_and_its_password() -> None:
    """A mark that was changed, of another account, or of an older password makes no browser known."""
    login = password_login(PEOPLE, "Ann", now=0)
    mark = write_device(login, PEOPLE.secret)
    ann = PEOPLE.get("Ann")
    assert read_device(mark, ann, PEOPLE.secret) == login.session
    assert read_device(mark, PEOPLE.get("ben@example.com"), PEOPLE.secret) == ""
    assert (
        read_device(mark, PEOPLE.change("Ann", password=hash_password("another one it is")).get("Ann"), PEOPLE.secret)
        == ""
    )
    for other in ("", mark[:-1], write_token(login, PEOPLE.secret)):
        assert read_device(other, ann, PEOPLE.secret) == ""


def test_a_login_that_was_ended_stands_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logging out ends the login itself, also for a copy of its token and after a restart; other logins stand."""
    monkeypatch.setenv("SRT_PROJECTS_DIR", str(tmp_path))
    one, other = (password_login(PEOPLE, "Ann", now=0) for _ in range(2))
    end_login(one.session)
    assert person_of(one, PEOPLE, 1, ended_logins()) is None
    assert person_of(other, PEOPLE, 1, ended_logins()) == Person("Ann", Role.OWNER)
    end_login(other.session)
    assert person_of(other, PEOPLE, 1, ended_logins()) is None


@given(st.text(max_size=64))
def test_only_the_token_of_a_secret_or_an_address_that_holds_it_is_taken(given: str) -> None:
    """The token is long, says nothing of its secret, and is no other secret's; without a secret nothing is one."""
    token = access_token("s" * 64)
    assert len(token) == 32
    assert is_access_token(token, "s" * 64)
    assert is_access_token(f" {app_address('::1', 8501, '/app', token)} ", "s" * 64)
    assert not is_access_token(given, "s" * 64)
    assert not is_access_token(token, "t" * 64)
    assert not is_access_token(access_token(""), "")


def test_what_a_token_opened_ends_with_its_week_and_with_its_secret(tmp_path: Path) -> None:
    """The file keeps its people and its secret until another one is asked for, which ends the logins of the old one."""
    path = tmp_path / "people.toml"
    first = keep_secret(path)
    assert keep_secret(path) == first
    login = local_login(first, now=0)
    assert person_of(login, first, 1) == Person("curator", Role.OWNER)
    assert person_of(login, first, login.until) is None
    assert person_of(login, keep_secret(path, new=True), 1) is None
    assert person_of(Login(LoginMethod.LOCAL, until=9e9), first, 1) is None


def test_the_page_that_opens_the_app_is_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser is started with a file that only this user can read, for everybody can list a program's arguments."""
    monkeypatch.setenv("SRT_PROJECTS_DIR", str(tmp_path))
    path = opening_page("http://127.0.0.1:8501/?token=abc&x=1", 8501)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert 'href="http://127.0.0.1:8501/?token=abc&amp;x=1"' in path.read_text("utf-8")


def test_an_account_is_for_one_way_to_log_in() -> None:
    """No proxy or provider names somebody into an account with a password, nor into one that is for the other."""
    people = PEOPLE.add("eve@example.com", Role.OWNER, None, "openid")
    assert person_of(Login(LoginMethod.OPENID, "Ann"), people, 0) is None
    assert person_of(Login(LoginMethod.PROXY, "ann"), people, 0) is None
    assert person_of(Login(LoginMethod.PROXY, "eve@example.com"), people, 0) is None
    assert person_of(Login(LoginMethod.OPENID, "Eve@example.com"), people, 0) == Person("eve@example.com", Role.OWNER)


@pytest.mark.parametrize("name", ["An\u200bn", " Ann", "Ann  Lee", "curator", "x" * 81, "A\u030angstrom\u202e"])
def test_a_name_that_cleaning_would_change_logs_nobody_in(name: str) -> None:
    """What a provider or proxy calls somebody is taken as it is or not at all: it could look like another's name."""
    assert person_of(Login(LoginMethod.OPENID, name), PEOPLE, 0) is None
    assert person_of(Login(LoginMethod.PROXY, name), PEOPLE, 0) is None


def test_another_port_is_another_site() -> None:
    """Only a page of this very host and port, or of an origin that is allowed, may send what changes something."""
    here = {"host": "127.0.0.1:8501"}
    for origin in ("http://127.0.0.1:8501", "https://127.0.0.1:8501", "https://lab.example"):
        assert is_same_origin({**here, "origin": origin}, ["https://lab.example"]), origin
    for origin in (
        "http://127.0.0.1:8000",
        "http://127.0.0.1",
        "http://localhost:8501",
        "null",
        "https://evil.example",
    ):
        assert not is_same_origin({**here, "origin": origin}, ["https://lab.example"]), origin
    assert is_same_origin(here)
    assert not is_same_origin({**here, "sec-fetch-site": "same-site"})


@pytest.mark.parametrize(
    ("address", "header", "has_openid", "people", "is_open", "has_any"),
    [
        ("127.0.0.1", None, False, People(), True, False),
        ("localhost", None, False, People(), True, False),
        ("::1", None, False, People(), True, False),
        (None, None, False, People(), False, False),
        ("0.0.0.0", None, False, People(), False, False),
        ("myhost", None, False, People(), False, False),
        ("127.0.0.1", "X-User", False, People(), False, True),
        ("127.0.0.1", None, True, People(), False, True),
        ("127.0.0.1", None, False, PEOPLE, False, True),
        ("0.0.0.0", None, False, People().add("Eve", Role.OWNER, None), False, False),
    ],
)
def test_only_one_persons_machine_asks_for_no_login(
    address: str | None, header: str | None, has_openid: bool, people: People, is_open: bool, has_any: bool
) -> None:
    """Nobody has to log in on a loopback address with no way to log in set up; a role without a password is no way."""
    ways = LoginMethods(address, header, has_openid, people)
    assert (ways.is_open, ways.has_any) == (is_open, has_any)


def test_a_request_from_here_comes_by_this_machines_name_and_by_nobody_else() -> None:
    """A Host of another name, an address that is not loopback, or a forwarding header is not from here."""
    for host in ("localhost:8501", "127.0.0.1:1", "[::1]:8501", "[::1]", "localhost"):
        assert is_local_request({"host": host}, "127.0.0.1"), host
    for host in ("evil.example:8501", "", "localhost.evil.example", "192.0.2.2:8501"):
        assert not is_local_request({"host": host}, "127.0.0.1"), host
    assert not is_local_request({"host": "localhost"}, "192.0.2.2")
    assert not is_local_request({"host": "localhost", "x-forwarded-for": "203.0.113.1"}, "127.0.0.1")
    assert is_loopback("127.8.0.1") and not is_loopback("128.0.0.1") and not is_loopback("")


def test_a_proxy_is_trusted_by_its_address() -> None:
    """The header counts from addresses and networks that are named, and where uvicorn trusted the proxy itself."""
    assert is_trusted_proxy(("127.0.0.1", 5), "127.0.0.1,::1")
    assert is_trusted_proxy(("203.0.113.9", 0), "127.0.0.1")
    assert is_trusted_proxy(("10.1.2.3", 5), "10.0.0.0/8")
    assert not is_trusted_proxy(("203.0.113.9", 5), "127.0.0.1, 10.0.0.0/8, nonsense")
    assert not is_trusted_proxy(None, "*")


def srt(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(app, ["people", *arguments], input=given)


def test_people_are_kept_by_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add, list, give a new password, change a role, remove; a password is read from standard input or made."""
    monkeypatch.setenv("SRT_PROJECTS_DIR", str(tmp_path))
    assert srt("add", "Ann", "--role", "owner", given="a long pass phrase\n").exit_code == 0
    made = srt("add", "Ben", "--role", "curator", "--generate").stdout.partition("Password: ")[2].splitlines()[0]
    assert srt("add", "eve@example.com", "--role", "curator", "--by", "openid").exit_code == 0
    kept = load(people_path())
    assert check_password("a long pass phrase", kept.get("Ann").password)
    assert check_password(made, kept.get("ben").password)
    assert srt("list").stdout.splitlines() == [
        "Ann: owner, by password",
        "Ben: curator, by password",
        "eve@example.com: curator, by openid",
    ]
    assert srt("passwd", "Ben", given="another pass phrase\n").exit_code == 0
    assert srt("role", "Ben", "owner").exit_code == 0
    assert check_password("another pass phrase", load(people_path()).get("Ben").password)
    assert load(people_path()).get("Ben").role is Role.OWNER
    for wrong in (["add", "ann", "--role", "owner"], ["remove", "Zoe"], ["passwd", "Zoe"]):
        assert isinstance(srt(*wrong, given="a long pass phrase\n").exception, PeopleError)
    assert isinstance(srt("passwd", "Ann", given="short\n").exception, PeopleError)
    assert srt("remove", "Ann").exit_code == 0
    assert [account.name for account in load(people_path()).accounts] == ["Ben", "eve@example.com"]
