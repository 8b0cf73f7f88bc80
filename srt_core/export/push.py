"""A written folder goes to the Hugging Face hub as a data set, and what was pushed where is remembered beside it.

The token comes from the environment (HF_TOKEN) alone; no log, error or file ever has it.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from srt_core.errors import ExportError
from srt_core.export.formats.writing import replacing
from srt_core.export.written import MANIFEST, check_unchanged
from srt_core.project import events
from srt_core.project.store import Store

if TYPE_CHECKING:
    from huggingface_hub import HfApi

TOKEN_VARIABLE = "HF_TOKEN"
PUSHED = "pushed.json"
"""Beside the manifest: what was pushed where. It stays on this machine."""
_UNKNOWN, _FORBIDDEN, _TAKEN = 401, 403, 409


@dataclass(frozen=True, slots=True)
class Pushed:
    """One push of a folder. `commit` is the hub's id; "" where the data set was made and the files did not arrive."""

    repository: str
    commit: str
    is_private: bool
    pushed_at: str
    author: str
    url: str
    files: tuple[str, ...]


def pushes(folder: Path) -> list[Pushed]:
    """Return what was pushed of a folder, the latest first."""
    try:
        found = json.loads((folder / PUSHED).read_text(encoding="utf-8"))
        return [Pushed(**{**each, "files": tuple(each["files"])}) for each in found]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ExportError(
            f"{folder / PUSHED} cannot be read: {error}.", "Remove it: it only says what was pushed."
        ) from error


def push(
    folder: Path,
    repository: str,
    *,
    is_private: bool = True,
    replace: bool = False,
    by: str,
    token: str | None = None,
) -> Pushed:
    """Push the files of a folder in one commit, which the hub takes whole or not at all, and remember it.

    A data set that is there already is only written to where this folder was pushed there before, or with `replace`;
    and never where it is public and a private one was asked for.

    Raises:
        ExportError: the folder is not as srt wrote it; no token, or one without the right; the name is taken or is
            none; the hub cannot be reached, or refuses.
    """
    files = check_unchanged(folder)
    token = token or os.environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise ExportError(
            f"There is no token for the hub: the environment variable {TOKEN_VARIABLE} is not set.",
            "Make one with the right to write at huggingface.co/settings/tokens, and set it where srt is started.",
        )
    before = pushes(folder)
    known = next((each for each in before if each.repository == repository), None)
    return _asking(repository, token, lambda api: _push(api, folder, files, repository, is_private, known, replace, by))


def log_push(store: Store, folder: Path, pushed: Pushed) -> None:
    """Log a push in the history of the project that the folder was exported from."""
    told = {
        "folder": str(folder),
        "repository": pushed.repository,
        "commit": pushed.commit,
        "private": pushed.is_private,
    }
    events.record(store, "push", pushed.author, told)


def _push(
    api: "HfApi", folder: Path, files: Sequence[str], repository: str, is_private: bool, known: Pushed | None,
    replace: bool, by: str,
) -> Pushed:  # fmt: skip
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    made = _make(api, repository, is_private=is_private, is_ours=known is not None or replace)
    url = f"{api.endpoint}/datasets/{repository}"
    names = (*files, MANIFEST)
    begun = Pushed(repository, "", made, _now(), by, url, names)
    if known is None:
        _remember(folder, begun)  # so that a push that is cut off goes on to the data set that it made
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationAdd(path_in_repo=name, path_or_fileobj=folder / name) for name in names
    ]
    gone = set(known.files if known else ()) - set(names)
    if gone:
        held = set(api.list_repo_files(repository, repo_type="dataset"))
        operations += [CommitOperationDelete(path_in_repo=name) for name in sorted(gone & held)]
    commit = api.create_commit(
        repository, operations, commit_message=f"{len(files)} files, exported by srt", repo_type="dataset"
    )
    done = Pushed(repository, commit.oid, made, _now(), by, url, names)
    _remember(folder, done)
    return done


def _make(api: "HfApi", repository: str, *, is_private: bool, is_ours: bool) -> bool:
    """Make the data set, or go on with one that is ours, and return whether it is private."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api.create_repo(repository, repo_type="dataset", private=is_private)
    except HfHubHTTPError as error:
        if error.response.status_code != _TAKEN:
            raise
        if not is_ours:
            raise ExportError(
                f"There is a data set {repository} on the hub already, and this folder was never pushed to it.",
                "Choose another name, or say that its files are to be replaced (--replace).",
            ) from error
        held = bool(api.dataset_info(repository).private)
        if is_private and not held:
            raise ExportError(
                f"The data set {repository} is public, and a private one was asked for: nothing was pushed.",
                "Make it private in its settings on the hub, choose another name, or push it as public (--public).",
            ) from error
        return held
    return is_private


def _asking(repository: str, token: str, work: "Callable[[HfApi], Pushed]") -> Pushed:
    """Do what asks the hub; what it answers becomes a sentence without the token."""
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    api = HfApi(token=token)
    try:
        return work(api)
    except HFValidationError as error:
        raise ExportError(
            f"{repository} is no name of a data set.", "Write OWNER/NAME: letters, digits, - _ and ."
        ) from error
    except HfHubHTTPError as error:
        raise _refusal(repository, error.response.status_code, str(error).replace(token, "…")) from error
    except (httpx2.HTTPError, OSError) as error:
        said = str(error).replace(token, "…").splitlines()
        raise ExportError(
            f"The hub at {api.endpoint} did not answer to the end: {said[0] if said else type(error).__name__}.",
            "None of the files is there: a commit is whole or not at all. Look at the connection, then push again.",
        ) from None  # what came before may quote the request, token and all


def _refusal(repository: str, status: int, said: str) -> ExportError:
    known: Mapping[int, tuple[str, str]] = {
        _UNKNOWN: (
            f"The hub does not know the token in {TOKEN_VARIABLE}.", "Look whether it is whole and not expired.",
        ),
        _FORBIDDEN: (
            f"The token in {TOKEN_VARIABLE} may not write to {repository}.",
            "Use one with the right to write, or an owner that is yours: your user name or your organisation.",
        ),
    }  # fmt: skip
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    other = f"The hub refused {repository} (status {status}): {lines[-1] if lines else 'it gave no reason'}"
    return ExportError(*known.get(status, (other, "Nothing of this push is on the hub. Push again later.")))


def _remember(folder: Path, pushed: Pushed) -> None:
    """Put a push before those of earlier; one to the same data set whose files did not arrive is replaced."""
    rest = [each for each in pushes(folder) if each.commit or each.repository != pushed.repository]
    with replacing(folder / PUSHED) as file:
        text = json.dumps([asdict(each) for each in (pushed, *rest)], indent=2, ensure_ascii=False)
        file.write(f"{text}\n".encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
