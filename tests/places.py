"""Places where a test may not write, or not much: made for real, as the user that runs the tests can."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing be written in a folder: by its mode, or for root, who passes over modes, by a mount of its own."""
    if os.geteuid():
        with _with_mode(folder, 0o555):
            yield
        return
    if not _runs("mount", "--bind", folder, folder):
        pytest.skip("root may not mount here, and passes over the modes of files")
    try:
        assert _runs("mount", "-o", "remount,ro,bind", folder)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def read_only_file(path: Path) -> Iterator[None]:
    """Let nobody write a file, whose folder may be written: by its mode, or for root by its attribute."""
    if os.geteuid():
        with _with_mode(path, 0o444):
            yield
        return
    if not _runs("chattr", "+i", path):
        pytest.skip("root passes over the modes of files, and this disk keeps no attributes")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Make a folder the root of a disk of a size, such as 16k."""
    if not _runs("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder):
        pytest.skip("this user may not mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def _with_mode(path: Path, mode: int) -> Iterator[None]:
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)


def _runs(*command: object) -> bool:
    words = [str(word) for word in command]
    return shutil.which(words[0]) is not None and not subprocess.run(words, capture_output=True, check=False).returncode
