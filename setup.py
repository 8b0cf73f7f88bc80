"""Puts the app's own files into the package when a wheel is built; all else about the build is in pyproject.toml.

In a checkout app.py, pages/, sample_data/ and .streamlit/ stand beside `srt_core`; in a wheel they are its folder
`app_files` (`srt_core.people.settings.app_folder` finds either).
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

APP_FILES = ("app.py", "pages/*.py", "sample_data/*.*", "sample_data/student/*.*", ".streamlit/config.toml")
"""By name, so that no .streamlit/secrets.toml of a checkout is ever packed."""


class BuildWithApp(build_py):
    """Builds the package with the app's files in it."""

    def run(self) -> None:
        """Build, unless the package is used where it is; what an earlier build left would be packed too."""
        if not self.editable_mode:
            package = Path(self.build_lib, "srt_core")
            if package.exists():
                shutil.rmtree(package)
            for name in _app_files():
                target = package / "app_files" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(name, target)
        super().run()

    def get_source_files(self) -> list[str]:
        """Return what a source distribution has to hold of this step."""
        return [*super().get_source_files(), *_app_files()]


def _app_files() -> list[str]:
    return sorted(path.as_posix() for pattern in APP_FILES for path in Path().glob(pattern))


setup(cmdclass={"build_py": BuildWithApp})
