"""Where things are, and settings from the environment: projects, the app's own files, default role, trusted proxies."""

import os
from pathlib import Path


def projects_folder() -> Path:
    """Return the folder of the projects: SRT_PROJECTS_DIR, else `projects` where the process was started."""
    return Path(os.environ.get("SRT_PROJECTS_DIR") or "projects").absolute()


def app_folder() -> Path:
    """Return the folder of app.py, pages, sample_data and .streamlit: in the package, or the checkout around it."""
    package = Path(__file__).parents[1]
    installed = package / "app_files"  # where setup.py puts them in a wheel
    return installed if installed.is_dir() else package.parent


def default_role() -> str:
    """Return the role of people whom a proxy or provider logs in and the file does not list: SRT_DEFAULT_ROLE."""
    return os.environ.get("SRT_DEFAULT_ROLE", "").strip().lower() or "curator"


def trusted_proxies() -> str:
    """Return the proxies whose headers are trusted, in uvicorn's format: FORWARDED_ALLOW_IPS."""
    return os.environ.get("FORWARDED_ALLOW_IPS") or "127.0.0.1,::1"
