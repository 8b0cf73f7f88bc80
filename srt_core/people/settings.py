"""What the environment says: where the projects are, and who a person is whom no file lists."""

import os
from pathlib import Path


def projects_folder() -> Path:
    """Return the folder of the projects: SRT_PROJECTS_DIR, else `projects` beside app.py."""
    return Path(os.environ.get("SRT_PROJECTS_DIR") or Path(__file__).parents[2] / "projects")


def default_role() -> str:
    """Return the role of somebody whom a proxy or a provider logs in and no file lists: SRT_DEFAULT_ROLE."""
    return os.environ.get("SRT_DEFAULT_ROLE", "").strip().lower() or "curator"


def trusted_proxies() -> str:
    """Return the addresses whose headers say who somebody is, as uvicorn takes them: FORWARDED_ALLOW_IPS."""
    return os.environ.get("FORWARDED_ALLOW_IPS") or "127.0.0.1,::1"
