"""What may be named at the screens: nothing that is not listed, wherever its links lead, and never a secret."""

import os
from pathlib import Path

import pytest

from srt_core.errors import AccessError, PeopleError
from srt_core.people import People, load, people_path, save
from srt_core.people.allowed import Allowed, Kind, Listed, without_environment
from tests.command_line import Command


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An allowed folder, in a server's folder with other files."""
    monkeypatch.setenv("SRT_PROJECTS_DIR", str(tmp_path / "projects"))
    monkeypatch.chdir(tmp_path)
    save(people_path(), People("0" * 64))
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "outside.json").write_text("[]", "utf-8")
    (tmp_path / "data" / "in.json").write_text("[]", "utf-8")
    (tmp_path / "data" / "link.json").symlink_to(tmp_path / "outside.json")
    (tmp_path / "data" / "up").symlink_to(tmp_path)
    (tmp_path / "data" / "round").symlink_to(tmp_path / "data" / "round")
    return tmp_path / "data"


def on_server(**listed: str) -> Allowed:
    return Allowed({Kind(kind): (value,) for kind, value in listed.items()})


def test_a_path_is_allowed_where_it_leads(data: Path) -> None:
    """Below an allowed folder all may be named; nothing beside it, above it, or that a link or .. leads out to."""
    here = on_server(folder=str(data))
    for inside in ("in.json", "deep", "new/export", "deep/../in.json", "up/data/in.json"):
        here.require_path(data / inside)
    here.require_path("data/in.json")
    outside = ("../outside.json", "link.json", "up/outside.json", "up", "round", "a\0b", "../data2", "../data.json")
    for path in (
        *(str(data / each) for each in outside),
        "outside.json",
        "/",
        "~",
        "~nobody-of-that-name/x",
        "/proc/1",
    ):
        with pytest.raises(AccessError):
            here.require_path(path)
    Allowed(None).require_path("outside.json")


def test_a_refusal_does_not_tell_what_there_is(data: Path) -> None:
    """What is there and what is not is refused in the same words."""
    here = on_server(folder=str(data))
    said = set()
    for name in ("outside.json", "missing.json"):
        for require in (here.require_source, here.require_file, here.require_student, here.require_export):
            with pytest.raises(AccessError) as refused:
                require(str(data.parent / name))
            said.add(str(refused.value).replace(name, ""))
    assert len(said) == 1


@pytest.mark.parametrize("listed", [None, {Kind.FOLDER: ("/",)}])
def test_files_of_people_and_secrets_are_never_named(data: Path, listed: Listed | None) -> None:
    """Not on one's own machine, not below an allowed folder, and by no link, hard or symbolic, nor as a draft."""
    people = people_path()
    (data / "soft.json").symlink_to(people)
    os.link(people, data / "hard.json")
    secret = data / ".streamlit" / "secrets.toml"
    secret.parent.mkdir()
    secret.write_text("x", "utf-8")
    own = data / "own.toml"
    own.write_text("x", "utf-8")
    here = Allowed(listed, [own])
    drafts = (people.with_name("people.toml1x"), people.with_name("open-8501.html"), people.with_name("logouts.txt"))
    drafts[-1].write_text("x", "utf-8")
    for path in (
        people,
        *drafts,
        data / "soft.json",
        data / "hard.json",
        secret,
        own,
        data / "up/projects/people.toml",
    ):
        for require in (here.require_source, here.require_file, here.require_student, here.require_export):
            with pytest.raises(AccessError, match=r"is never read or written by the app"):
                require(str(path))


def test_files_to_import_are_looked_for_in_allowed_folders(data: Path) -> None:
    """A pattern counts by where it begins and leads nowhere up; an upload is allowed; a data set by its name alone."""
    here = on_server(folder=str(data), hub="datasets/lab/*")
    for written in (f"{data}/*.json", f"{data}/deep/**/x?.csv", "hf://datasets/lab/pairs@main", "data/[ab].json"):
        here.require_source(written)
    here.require_source(str(people_path().parent / "uploads" / "id" / "my.json"))
    refused = ("*.json", f"{data}/../*.json", f"{data}/up/*.json", "/et*/passwd", "hf://datasets/lab2/x", "hf://lab/x")
    for written in refused:
        with pytest.raises(AccessError):
            here.require_source(written)


@pytest.mark.parametrize("name", ["out.json", "in[1].json", "in?.json", "in*.json"])
def test_a_file_that_was_found_is_asked_for_by_its_whole_name(data: Path, name: str) -> None:
    """A link out of the folder is refused, and a secret too, whatever letters of a pattern its name has."""
    here = on_server(folder=str(data))
    (data / name).symlink_to(data.parent / "outside.json")
    (data / f"people-{name}").symlink_to(people_path())
    (data / f"own-{name}").write_text("[]", "utf-8")
    here.require_found([str(data / "in.json"), str(data / f"own-{name}")])
    with pytest.raises(AccessError, match="may not be named here"):
        here.require_found([str(data / "in.json"), str(data / name)])
    with pytest.raises(AccessError, match="is never read"):
        Allowed(None).require_found([str(data / f"people-{name}")])


def test_students_hosts_and_keys_are_allowed_by_name(data: Path) -> None:
    """A hub name is no folder; a host counts with its port and without what stands before @; a key as it is written."""
    here = Allowed({Kind.HUB: ("gpt2", "lab/*"), Kind.HOST: ("api.lab.example", "10.0.0.*:8000"), Kind.KEY: ("LAB_*",)})
    here.require_student("gpt2")
    here.require_student("lab/small-1")
    for student in ("gpt3", "lab2/x", "data", "./gpt2", "../data", "lab/a/b", str(data), "other.gguf"):
        with pytest.raises(AccessError):
            here.require_student(student)
    (data.parent / "gpt2").mkdir()
    with pytest.raises(AccessError):
        here.require_student("gpt2")  # now it is a folder, which is not allowed
    for host in ("https://api.lab.example/v1", "http://me@API.lab.example/v1", "http://10.0.0.7:8000", "10.0.0.7:8000"):
        here.require_host(host)
    elsewhere = (
        "https://api.lab.example:444/v1",
        "http://api.lab.example@evil.example/",
        "http://evil.example/api.lab.example",
        "http://evil.example#@api.lab.example",
        "http://[::1]:1/",
        "auto",
    )
    for host in elsewhere:
        with pytest.raises(AccessError):
            here.require_host(host)
    here.require_key("LAB_KEY")
    for key in ("PATH", "lab_key", "OPENAI_API_KEY"):
        with pytest.raises(AccessError):
            here.require_key(key)


def test_what_is_allowed_is_kept_beside_the_people(data: Path, command: Command) -> None:
    """`srt people allow` lists it and `forbid` takes it back; a folder is kept by its whole path, if it is one."""
    command("people", "allow", "folder", "data")
    command("people", "allow", "key", "LAB_KEY")
    command("people", "allow", "key", 'ODD "KEY"')
    assert load(people_path()).allowed == {Kind.FOLDER: (str(data),), Kind.KEY: ("LAB_KEY", 'ODD "KEY"')}
    assert f"Owners may name, folder: {data}" in command("people", "list").stdout
    command("people", "forbid", "key", 'ODD "KEY"')
    command("people", "forbid", "folder", "data")
    assert load(people_path()).allowed == {Kind.KEY: ("LAB_KEY",)}
    for refused in (("allow", "folder", "nowhere"), ("forbid", "key", "OTHER")):
        assert command("people", *refused).returncode == 2


@pytest.mark.parametrize("text", ["allow = 1", "[allow]\nfolder = 1", "[allow]\nkey = [1]", "[allow]\nshell = ['x']"])
def test_a_list_that_is_none_lets_nobody_in(tmp_path: Path, text: str) -> None:
    """What cannot be read is no list without anything in it: the whole file is refused."""
    path = tmp_path / "people.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(PeopleError):
        load(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/srv/lab/own.srt is held by process 7.", "own.srt is held by process 7."),
        ("The folder '/srv/my lab/new' cannot be made.", "The folder 'new' cannot be made."),
        ('{"path": "/srv/lab/a b.json", "n": 1}', '{"path": "a b.json", "n": 1}'),
        ("Ask http://lab.example:8000/v1/x under /v1, and/or.", "Ask http://lab.example:8000/v1/x under /v1, and/or."),
        ("~/models/x, /etc", "x, etc"),
        ("the environment variable LAB_KEY is not set", "the environment variable is not set"),
        ("{cwd}/my data/x.json", "my data/x.json"),
    ],
)  # fmt: skip
def test_what_a_curator_is_told_has_no_path_of_the_server(text: str, told: str) -> None:
    """Each absolute path is cut to its last part, and variables are not named; the rest stays as it is."""
    assert without_environment(text.replace("{cwd}", str(Path.cwd()))) == told
