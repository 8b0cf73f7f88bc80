"""The commands that start the app, and that print its address."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from srt_core.commands.common import open_project
from srt_core.commands.terminal import say
from srt_core.errors import SRTError
from srt_core.people import access_token, app_address, keep_secret, people_path
from srt_core.people.settings import app_folder

Port = Annotated[int, typer.Option(help="The port.")]


def app_(
    project: Annotated[
        Path | None, typer.Argument(help="The project to open; the demo project where not given.")
    ] = None,
    port: Port = 8501,
    address: Annotated[
        str, typer.Option(help="The address to listen on. On any other than 127.0.0.1 people have to log in.")
    ] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
) -> None:
    """Start the app, for this machine alone unless an address is given. Projects are in ./projects."""
    script = app_folder() / "app.py"
    if not script.is_file():
        raise SRTError(f"The app's pages are not at {script.parent}.", "Install srt again.")
    environment = dict(os.environ)
    if project:
        open_project(project).close()  # says plainly what is wrong before a browser opens
        environment["SRT_PROJECT"] = str(project.resolve())
    # -P: a file in the folder that the app is started in is never taken for a module. Streamlit reads the settings
    # and secrets of that folder's .streamlit, and over them those beside app.py.
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(script), "--server.address", address,
               "--server.port", str(port), "--server.headless", str(not browser).lower()]  # fmt: skip
    environment["SRT_MUST_LET_IN"] = "1"  # the app ends at once where nobody could come in
    os.execve(sys.executable, command, environment)  # this very process: a signal to it ends the app


def link(
    port: Port = 8501,
    address: Annotated[str, typer.Option(help="The address that the app listens on.")] = "127.0.0.1",
    new: Annotated[bool, typer.Option("--new", help="Make another token: older addresses and all logins end.")] = False,
) -> None:
    """Print the address of the app, with the token that opens it where nobody has to log in."""
    people = keep_secret(people_path(), new=new)
    say(app_address(address, port, token="" if people.accounts else access_token(people.secret)))
