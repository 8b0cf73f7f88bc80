"""The file of arms: which teachers are drawn from, and how their probabilities move. TOML.

    beta = 0.3                    # how far one reward moves
    floor = 0.01                  # the least probability of each
    update = "winner"             # or "all": those that were not chosen are updated too, with a reward of 0
    small = 1                     # scorings of a small and a large student, as `srt scorings` numbers them;
    large = 2                     # without them a reward is what people said alone
    near = 10                     # samples nearest to a new one whose winners are drawn first, as vectors say; 0: none
    from_near = 1                 # how many are drawn among these winners

    [[arm]]
    name = "careful"
    base_url = "http://127.0.0.1:8000/v1"
    model = "qwen"

What else a table [[arm]] may say is what `srt reflect` takes of a teacher: key_variable, prompts, temperature, ….
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from srt_core.errors import TeacherStopError

_HINT = "See docs/methods.md for a file of arms."
LEAST_ARMS = 2


class Update(StrEnum):
    """Which of the arms that were compared are updated."""

    WINNER = "winner"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ArmSettings:
    """How probabilities move. `small`, `large`: two scorings; None: people's choices alone are the reward."""

    beta: float = 0.3
    floor: float = 0.01
    update: Update = Update.WINNER
    small: int | None = None
    large: int | None = None
    near: int = 0
    from_near: int = 1


@dataclass(frozen=True, slots=True)
class Arm:
    """A teacher that may be drawn. `asked`: what is said of it, by the names of arguments; never a key."""

    name: str
    asked: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ArmsFile:
    """A file of arms as read."""

    settings: ArmSettings
    arms: tuple[Arm, ...]


def read_arms(path: Path, known: frozenset[str]) -> ArmsFile:
    """Read a file of arms; `known` names what may be said of a teacher.

    Raises:
        TeacherStopError: the file is none, an arm or setting is not as it should be.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TeacherStopError(f"The file of arms {path} cannot be read: {error.strerror}.", _HINT) from error
    except ValueError as error:  # of TOML, or no UTF-8
        raise TeacherStopError(f"The file of arms {path} is no TOML: {error}.", _HINT) from error
    tables = found.pop("arm", [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise TeacherStopError(f"{path} has an arm that is no table [[arm]].", _HINT)
    arms = tuple(_arm(path, place, table, known) for place, table in enumerate(tables, start=1))
    if len(arms) < LEAST_ARMS:
        raise TeacherStopError(f"{path} has {len(arms)} arms: there is nothing to draw from.", "Give two or more.")
    if len({arm.name for arm in arms}) < len(arms):
        raise TeacherStopError(f"Two arms of {path} have one name.", "Give each its own.")
    return ArmsFile(_settings(path, found, len(arms)), arms)


def _arm(path: Path, place: int, table: dict[str, Any], known: frozenset[str]) -> Arm:
    name = table.pop("name", "")
    if not isinstance(name, str) or not name.strip():
        raise TeacherStopError(f"Arm {place} of {path} has no name.", 'Write name = "…" in its table.')
    if unknown := sorted(set(table) - known):
        raise TeacherStopError(
            f"Arm {name} of {path} says {', '.join(unknown)}, which is not known of a teacher.",
            f"It may say: {', '.join(sorted(known))}.",
        )
    return Arm(name.strip(), table)


def _settings(path: Path, found: dict[str, Any], arms: int) -> ArmSettings:
    if unknown := sorted(set(found) - {each.name for each in fields(ArmSettings)}):
        raise TeacherStopError(f"{path} says {', '.join(unknown)}, which is no setting of arms.", _HINT)
    try:
        settings = ArmSettings(**{**found, "update": Update(found.get("update", Update.WINNER))})
    except ValueError as error:
        raise TeacherStopError(f"{path}: {error}.", f"Write one of {', '.join(Update)}.") from error
    numbers = (settings.beta, settings.floor)
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in numbers):
        raise TeacherStopError(f"beta and floor of {path} have to be numbers.", _HINT)
    whole = (settings.small or 0, settings.large or 0, settings.near, settings.from_near)
    if not all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in whole):
        raise TeacherStopError(f"small, large, near and from_near of {path} have to be whole numbers.", _HINT)
    if not 0 < settings.beta < float("inf") or not 0 <= settings.floor < 1 / arms:
        raise TeacherStopError(
            f"{path} has beta {settings.beta} and floor {settings.floor}.",
            f"beta is above 0, floor from 0 to below 1/{arms}, as each of the {arms} arms has it.",
        )
    if (settings.small is None) != (settings.large is None) or (settings.small and settings.small == settings.large):
        raise TeacherStopError(
            f"{path} needs two scorings for a gap, small and large.", "`srt scorings` numbers them. Or give neither."
        )
    return settings
