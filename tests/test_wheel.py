"""The app where it is installed: a wheel made of a source distribution, started in a folder that holds nothing."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from srt_core.people import access_token, load
from tests.conftest import ROOT, free_port

pytestmark = [pytest.mark.thorough, pytest.mark.browser, pytest.mark.slow]

SOURCE = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "app.py", "pages", "sample_data", ".streamlit")
FIRST_START = 240_000
"""Milliseconds in which a first start has made the demo, also on a machine that is busy with something else."""
SECRETS = """[auth]
redirect_uri = "http://127.0.0.1/oauth2callback"
cookie_secret = "a secret of nobody"
client_id = "srt"
client_secret = "another secret of nobody"
server_metadata_url = "http://127.0.0.1:9/.well-known/openid-configuration"
"""


def run(*command: object, cwd: Path) -> None:
    finished = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed package and nothing else; the packages that it needs are those of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in (*SOURCE, "srt_core"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    (source / ".streamlit" / "secrets.toml").write_text("[mine]\n", "utf-8")
    run(sys.executable, "-c", "import setuptools.build_meta as b; b.build_sdist('dist')", cwd=source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps"]
    run(*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", folder, *source.glob("dist/*.gz"), cwd=folder)
    run(*pip, "install", *offline, "--target", folder / "site", *folder.glob("*.whl"), cwd=folder)
    return folder / "site"


@dataclass(frozen=True)
class Installed:
    """`srt app`, installed in `site`, running in a folder of its own."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def start(site: Path, tmp_path: Path) -> Iterator[Callable[[], Installed]]:
    """A function that starts `srt app` in `tmp_path / "mine"` and waits until it listens; ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start_app() -> Installed:
        app = Installed(free_port(), tmp_path / "mine")
        app.folder.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SRT_", "STREAMLIT_"))}
        command = [str(site / "bin" / "srt"), "app", "--no-browser", "--port", str(app.port)]
        environment = {**kept, "PYTHONPATH": str(site)}
        process = subprocess.Popen(command, cwd=app.folder, env=environment, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        assert any(f"127.0.0.1:{app.port}".encode() in line for line in process.stdout)
        return app

    yield start_app
    for process in started:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout:
            process.stdout.close()


def contents(folder: Path) -> dict[str, str]:
    """Each file of a folder with a hash of what it holds."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def listed(paths: Sequence[str], start: str) -> list[str]:
    return [path for path in paths if path.startswith(start)]


def test_the_wheel_holds_the_app_in_one_folder(site: Path) -> None:
    """Site-packages gets the package alone; in it are the pages, the demo and the settings, and nobody's secrets."""
    assert sorted(path.name for path in site.iterdir() if path.suffix != ".dist-info") == ["bin", "srt_core"]
    files = list(contents(site / "srt_core" / "app_files"))
    assert "app.py" in files
    assert len([path for path in listed(files, "pages/") if path.endswith(".py")]) == len(list(ROOT.glob("pages/*.py")))
    assert {"sample_data/pairs.json", "sample_data/student/model.safetensors"} <= set(files)
    assert listed(files, ".streamlit") == [".streamlit/config.toml"]


def test_the_installed_app_starts_in_an_empty_folder(site: Path, start: Callable[[], Installed], page: Page) -> None:
    """It shows the demo with its own settings, on 127.0.0.1 alone; it writes to the folder it was started in, only."""
    before = contents(site)
    app = start()
    page.goto(f"{app.url}/?token={access_token(load(app.folder / 'projects' / 'people.toml').secret)}")
    expect(page.get_by_text("This is the demo project.")).to_be_visible(timeout=FIRST_START)
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    page.get_by_role("link", name="Review").click()
    expect(page.get_by_role("heading", name="Review", exact=True)).to_be_visible(timeout=FIRST_START)
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.2", app.port))
    assert [path.name for path in app.folder.iterdir()] == ["projects"]
    assert (app.folder / "projects" / "demo.srt").is_file()
    assert contents(site) == before


def test_secrets_are_those_of_the_folder_it_is_started_in(start: Callable[[], Installed], tmp_path: Path) -> None:
    """An [auth] section in ./.streamlit/secrets.toml makes everybody log in; no other file of that folder is run."""
    secrets = tmp_path / "mine" / ".streamlit" / "secrets.toml"
    secrets.parent.mkdir(parents=True)
    secrets.write_text(SECRETS, "utf-8")
    for module in ("app.py", "random.py", "streamlit.py"):
        (tmp_path / "mine" / module).write_text("raise SystemExit('this is not part of the app')\n", "utf-8")
    with urllib.request.urlopen(urllib.request.Request(start().url, headers={"Accept": "text/html"}), timeout=20) as it:
        assert it.url.endswith("/login?next=%2F")
        assert "Log in with OpenID Connect" in it.read().decode()
