"""What a long step of the work is, as data: its arguments, how command line and screens ask for them, how it runs.

    Step: name, label, unit …
      arguments ─▶ Option ─▶ `srt <name> --option`      (commands.step)
                └▶ Field  ─▶ the form of a screen       (ui.frame.form)
      run(store, arguments, stop) ─▶ Progress …         (a command, or a job of the app)
      report ─▶ what the command prints in the end

Adding a step is adding one such record to `steps.STEPS`.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Any, Literal

from srt_core.errors import SRTError
from srt_core.project.progress import Progress
from srt_core.project.store import Store

Arguments = Mapping[str, Any]
"""What a step is run with, by the names of its arguments, as JSON keeps it."""


class Reach(StrEnum):
    """What a value reaches, on the machine that the app runs on or from it."""

    SOURCE = "source"
    """Files to import."""
    FILE = "file"
    STUDENT = "student"
    KEY = "key"
    """An environment variable."""
    HOST = "host"


class Widget(StrEnum):
    """How a screen asks for a value."""

    TEXT = "text"
    NUMBER = "number"
    LIST = "list"
    """One of the choices, in a list that opens."""
    RADIO = "radio"
    """One of the choices, all of them in sight, each with what it means."""
    SWITCH = "switch"


@dataclass(frozen=True, slots=True)
class Option:
    """How the command line asks for an argument: `--name`, or by its place."""

    help: str
    name: str = ""
    """Where it is another than the argument's, with dashes for underscores."""
    type: Any = None
    """Where what is typed is of another type than the argument; `read` makes that of it."""
    read: Callable[[Any], object] | None = None
    low: float | None = None
    high: float | None = None
    is_positional: bool = False
    runs: str = ""
    """The step that is run in place of this one, with the same arguments, where the option is given."""


@dataclass(frozen=True, slots=True)
class Field:
    """How a screen asks for an argument."""

    label: str
    help: str | None = None
    widget: Widget = Widget.TEXT
    key: str = ""
    """The widget's, where it is another than the argument's name."""
    first: object = None
    """What it begins with where the screens have another default."""
    placeholder: str | None = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    width: int | None = None
    """Of a list, in pixels; as wide as its place where not given."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Label by value."""
    captions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Argument:
    """One thing that a step has to know.

    Without an option the command line does not ask for it, without a field no screen does; without both the app itself
    gives it.
    """

    name: str
    type: Any
    default: object = None
    option: Option | None = None
    field: Field | None = None
    group: str = ""
    """The panel of the command line's help in which it stands."""
    is_expert: bool = False
    """Whether most people leave it as it is: a form folds it away."""
    reach: Reach | None = None
    """Where it reaches out of the project: only an owner sets it, and where people log in, only to what is allowed."""

    def is_choice(self, value: object) -> bool:
        """Return whether a value is one of the field's own, which reach nothing."""
        return self.field is not None and value in self.field.choices


@dataclass(frozen=True, slots=True)
class Row:
    """Fields that stand side by side in a part of a step's form, by the names of their arguments."""

    names: tuple[str, ...]
    widths: tuple[int, ...] = ()
    """The share of the width that each takes; equal ones where not given."""
    part: str = ""
    align: Literal["top", "bottom"] = "top"


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to: lines of results, and how much failed, the first of it told one by one."""

    lines: Sequence[str]
    failed: int = 0
    failures: Sequence[str] = ()


Run = Callable[[Store, Arguments, Event], Generator[Progress, None, None]]
"""Does the work and yields how far it is; it stops soon after the event is set, with what it did committed."""


def _report_message(_store: Store, _arguments: Arguments, last: Progress) -> Report:
    return Report([last.message] if last.message else [])


@dataclass(frozen=True, slots=True)
class Step:
    """A long step of the work."""

    name: str
    label: str
    unit: str
    run: Run
    arguments: tuple[Argument, ...] = ()
    help: str = ""
    """What `srt NAME --help` says of it; "" where it is no command of its own."""
    failed: str = "failed"
    """What a screen says of units that failed."""
    report: Callable[[Store, Arguments, Progress], Report] = _report_message
    warn: Callable[[Store, Arguments], Sequence[str]] = lambda _store, _arguments: ()
    """What to know before it runs, such as what it will leave out: sentences, none where all is well."""
    reports_when_stopped: bool = False
    """Whether what came is reported too where the teacher or a cap ended the run."""
    rows: tuple[Row, ...] = ()
    """How its fields stand in a form; one below the other where not given."""
    is_work: bool = True
    """Whether Overview shows its jobs."""
    then: str = ""
    """The step that is run, without arguments, once this one is done."""
    is_open_to_all: bool = False
    """Whether not only owners may start it."""
    named: Callable[[Arguments], Sequence[Arguments]] = lambda _arguments: ()
    """What is said in files that its arguments name, as arguments: what these reach is asked for as well."""
    group: str = ""
    """The command that it stands under, as `srt coach revise` does; the step's name begins with it."""

    @property
    def command(self) -> str:
        """Its name on the command line, without the group's."""
        return self.name.removeprefix(f"{self.group}_") if self.group else self.name

    def walk(self, store: Store, given: Arguments, stop: Event | None = None) -> Generator[Progress, None, None]:
        """Run with what is given and the defaults of the rest, and yield how far it is.

        Raises:
            SRTError: as the step.
        """
        return self.run(store, self.complete(given), stop or Event())

    def complete(self, given: Arguments) -> dict[str, Any]:
        """Return a value for every argument, as JSON keeps it; what is no argument is left out."""
        return {each.name: _as_json(given.get(each.name, each.default)) for each in self.arguments}

    def argument(self, name: str) -> Argument:
        """Find an argument by its name; SRTError where there is none."""
        for each in self.arguments:
            if each.name == name:
                return each
        raise SRTError(f"The step {self.name} has no argument {name}.", "Look at its record.")

    def rows_of(self, *parts: str) -> list[Row]:
        """Return the rows of these parts of the form, of the whole form for none."""
        fields = (each.name for each in self.arguments if each.field)
        rows = self.rows or tuple(Row((name,)) for name in fields)
        return [row for row in rows if not parts or row.part in parts]


def _as_json(value: object) -> object:
    if isinstance(value, Path | StrEnum):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
