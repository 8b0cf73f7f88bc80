"""What may be named at the screens: folders, variables with keys, hosts, and names on the hub.

Where nobody has to log in, a person sits at their own machine and may name everything. Where people log in, an owner is
not the shell of the server: only what the file of people lists under [allow] may be named, which is nothing at first.
Files of people and secrets are nobody's to name, anywhere.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

from srt_core.errors import AccessError
from srt_core.people.logouts import logouts_path
from srt_core.people.settings import app_folder, projects_folder

_PRIVATE = re.compile(r"(people\.toml.*|open-.*\.html.*)")
_HUB_NAME = re.compile(r"(datasets/)?[\w.-]+(/[\w.-]+)?", re.ASCII)
_PATTERN = re.compile(r"[*?\[]")
_HUB = "hf://"


class Kind(StrEnum):
    """What can be allowed."""

    FOLDER = "folder"
    """A folder of the server with all in it: to import from, export to, and find students, templates and prompts in."""
    KEY = "key"
    """An environment variable that holds a teacher's key, or the hub's token."""
    HOST = "host"
    """A teacher's host, with its port where its address has one."""
    HUB = "hub"
    """A student or data set of the Hugging Face hub, to read or to push to: OWNER/NAME, datasets/OWNER/NAME."""


Listed = Mapping[Kind, Sequence[str]]
"""By kind; in all but folders * stands for any characters."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be named. `listed` is None where everything is; `secrets` are files that never may."""

    listed: Listed | None
    secrets: Sequence[Path] = ()

    def require_path(self, written: str | Path, *own: Path) -> None:
        """Raise AccessError unless a file or folder lies, where its links lead, in an allowed folder or in `own`."""
        self._require_paths([written], own)

    def require_source(self, written: str) -> None:
        """Raise AccessError unless files to import may be looked for here: a path, a pattern, an address on the hub.

        What is found there is to be asked for by `require_found`.
        """
        if written.startswith(_HUB):
            self._require(Kind.HUB, written.removeprefix(_HUB).partition("@")[0].rstrip("/"))
        elif _PATTERN.search(written) and ".." in Path(written).parts:
            raise AccessError(f"{written} is a pattern that leads upwards.", "Write it without ..")
        else:
            self._require_paths([_PATTERN.split(written)[0]], _sources())

    def require_found(self, files: Iterable[str]) -> None:
        """Raise AccessError unless each of these files may be imported: what stands in a name is no pattern here."""
        self._require_paths(files, _sources())

    def require_file(self, written: str) -> None:
        """Raise AccessError unless a file of prompts, replies or a template may be read."""
        self.require_path(written, app_folder() / "sample_data")

    def require_student(self, written: str) -> None:
        """Raise AccessError unless a student may be loaded: from a folder, or by its name on the hub."""
        is_name = _HUB_NAME.fullmatch(written) is not None and not written.startswith(".")
        if self.listed is not None and is_name and not Path(written).exists():
            self._require(Kind.HUB, written)
        else:
            self.require_file(written)

    def require_export(self, written: str) -> None:
        """Raise AccessError unless a folder may be exported to."""
        self.require_path(written, exports_folder())

    def require_push(self, name: str) -> None:
        """Raise AccessError unless a data set of the hub, OWNER/NAME, may be pushed to."""
        self._require(Kind.HUB, f"datasets/{name}")

    def require_key(self, written: str) -> None:
        """Raise AccessError unless a key may be taken from this environment variable."""
        self._require(Kind.KEY, written)

    def require_host(self, written: str) -> None:
        """Raise AccessError unless the host of an address may be asked."""
        parts = urlsplit(written if "//" in written else f"//{written}")
        self._require(Kind.HOST, parts.netloc.rpartition("@")[2].casefold())

    def _require_paths(self, written: Iterable[str | Path], own: Sequence[Path]) -> None:
        roots: list[Path] = []
        for each in written:
            try:
                path = Path(each).expanduser().resolve()
                is_secret = self._is_secret(path)
                roots = roots or [root.resolve() for root in (*own, *map(Path, self._of(Kind.FOLDER)))]
            except (OSError, RuntimeError, ValueError) as error:  # links in a circle, nobody's home, a byte 0
                raise _refusal(str(each), Kind.FOLDER) from error
            if is_secret:
                raise AccessError(f"{path.name} is never read or written by the app.", "Choose another file.")
            if self.listed is not None and not any(path.is_relative_to(root) for root in roots):
                raise _refusal(str(each), Kind.FOLDER)

    def _require(self, kind: Kind, value: str) -> None:
        if self.listed is not None and not any(fnmatchcase(value, each) for each in self._of(kind)):
            raise _refusal(value, kind)

    def _of(self, kind: Kind) -> Sequence[str]:
        return (self.listed or {}).get(kind, ())

    def _is_secret(self, path: Path) -> bool:
        is_of_people = path.parent == projects_folder().resolve() and _PRIVATE.fullmatch(path.name)
        known = [projects_folder() / "people.toml", logouts_path(), *self.secrets]
        is_known = path.exists() and any(each.exists() and path.samefile(each) for each in known)  # hard links too
        return bool(is_of_people) or is_known or path.parts[-2:] == (".streamlit", "secrets.toml")


def _sources() -> Sequence[Path]:
    """Return the folders that may always be imported from."""
    return projects_folder() / "uploads", app_folder() / "sample_data"


def exports_folder() -> Path:
    """Return the folder that may always be exported to, beside the projects."""
    return projects_folder() / "exports"


def _refusal(value: str, kind: Kind) -> AccessError:
    """Return an error that is the same whether there is something of that name or not."""
    example = "FOLDER" if kind is Kind.FOLDER else value or "NAME"
    return AccessError(
        f"{value} may not be named here: people log in to this server, and it is not on the list of what they may use.",
        f"Whoever runs the server allows it there: srt people allow {kind} {example}",
    )


def without_environment(text: str) -> str:
    """Return a text without names of variables, and with each absolute path cut to its last part.

    Where a server keeps its files, and what its environment has, is not for everybody who may look at a project.
    """
    text = re.sub(r"(environment variable) \w+", r"\1", text)
    for root in sorted({projects_folder(), app_folder(), Path.cwd(), Path.home()}, key=lambda each: -len(str(each))):
        if root != Path(root.anchor):
            text = text.replace(f"{root}/", "").replace(str(root), root.name)
    text = re.sub(r"""(['"`])(/[^'"`\n]+)\1""", lambda found: f"{found[1]}{_last(found[2])}{found[1]}", text)
    return re.sub(r"""(?<![\w/.:~])~?/[^\s/'"`,;:]+(?:/[^\s/'"`,;:]+)*/?""", lambda found: _last(found[0]), text)


def _last(path: str) -> str:
    is_path = path.strip("/").count("/") > 0 or path.startswith("~") or Path(path).exists()
    return path.rstrip("/").rsplit("/", 1)[-1] if is_path else path


def read_listed(found: object) -> Listed:
    """Return the table [allow] of the file of people. TypeError or ValueError where it is none."""
    if not isinstance(found, dict):
        raise TypeError("[allow] is no table")
    return {Kind(kind): _texts(values) for kind, values in found.items()}


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise TypeError("what is allowed is a list of texts")
    return tuple(values)


def change_listed(listed: Listed, kind: Kind, values: Iterable[str]) -> Listed:
    """Return what is listed with other values of a kind."""
    return {each: found for each, found in {**listed, kind: tuple(dict.fromkeys(values))}.items() if found}
