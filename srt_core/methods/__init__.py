"""The methods, one file each: a file here that defines METHOD is a method, and nothing else has to be changed.

What the methods bring is put together with what every project has: MEASURES, GUARDS, DIALS, PRESETS, LOSSES.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, TypeVar

from srt_core.errors import SRTError
from srt_core.methods.dials import Dial, dials
from srt_core.methods.method import Method, Rewriter
from srt_core.methods.sql_words import SQL_WORDS
from srt_core.records import DERIVATIONS, OPTIONS, AddedLoss, Guard, Measure, Origin, Policy, Reason, Source
from srt_core.records import GUARDS as SHARED_GUARDS
from srt_core.records import MEASURES as SHARED_MEASURES

DEFAULT_TEMPLATE = "alpaca"

__all__ = [
    "DIALS",
    "GUARDS",
    "LOSSES",
    "MEASURES",
    "METHODS",
    "PRESETS",
    "REASONS",
    "REWRITERS",
    "SELECTING",
    "Dial",
    "Method",
    "Rewriter",
    "check_name",
    "find_method",
    "scoring_settings",
]

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def _methods() -> Iterator[Method]:
    for module in iter_modules(__path__):
        method = getattr(import_module(f"{__name__}.{module.name}"), "METHOD", None)
        if isinstance(method, Method):
            yield method


Named = TypeVar("Named", Method, Measure, Guard, Policy, AddedLoss)


def _by_name(each: Iterable[Named]) -> dict[str, Named]:
    """Key by name. The names stand in SQL and in addresses, and must be apart."""
    found: dict[str, Named] = {}
    for item in each:
        if item.name in found:
            raise ValueError(f"Two methods bring the {type(item).__name__.lower()} {item.name}.")
        found[item.name] = item
    return found


METHODS: Mapping[str, Method] = _by_name(sorted(_methods(), key=lambda method: (method.place, method.name)))
SELECTING: Mapping[str, Method] = {name: method for name, method in METHODS.items() if method.policies}
"""The methods that choose samples, by policies of their own."""
MEASURES: Mapping[str, Measure] = _by_name((*SHARED_MEASURES, *(m for each in METHODS.values() for m in each.measures)))
GUARDS: Mapping[str, Guard] = _by_name((*SHARED_GUARDS, *(guard for each in METHODS.values() for guard in each.guards)))
DIALS: Mapping[str, Dial] = dials(GUARDS.values(), MEASURES)
"""Every option of a policy, in the order in which the rule looks at it."""
PRESETS: Mapping[str, Policy] = _by_name(policy for method in METHODS.values() for policy in method.policies)
"""The policies that come with the methods, by name."""
LOSSES: Mapping[str, AddedLoss] = _by_name(loss for method in METHODS.values() for loss in method.losses)
"""The losses that scoring can compute beside the four of every candidate, by name."""
REWRITERS: Mapping[str, Rewriter] = {each.producer: each for method in METHODS.values() for each in method.rewriters}
REASONS: tuple[str, ...] = (
    Reason.KEPT, Reason.UNSCORED, Reason.NOT_REFLECTED, Reason.REFLECTION_FAILED, Reason.NOT_IMPROVED,
    *(guard.reason for guard in GUARDS.values()), Reason.BELOW_TOP_SHARE,
    Reason.BELOW_DIVERSE_SHARE,
)  # fmt: skip
"""Every reason that a selection can have, in the order in which the rule looks at it."""


def check_name(name: str) -> None:
    """Raise a ValueError for a name of a measure, loss, guard or reason that would not be one in SQL, or another's."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a measure, a guard or a reason: take lower-case letters, digits and _.")
    if name in OPTIONS:
        raise ValueError(f"{name!r} cannot name a measure, a guard or a reason: it is an option of every policy.")
    if name in SQL_WORDS:
        raise ValueError(f"{name!r} cannot name a measure, a guard or a reason: it is a word of SQL.")


def _check_names() -> None:
    for name in (*MEASURES, *GUARDS, *LOSSES, *(guard.reason for guard in GUARDS.values())):
        check_name(name)
    if len(set(REASONS)) < len(REASONS):
        raise ValueError("Two guards have the same reason.")
    if both := set(LOSSES) & set(MEASURES):
        raise ValueError(f"A loss and a measure have the same name: {', '.join(sorted(both))}.")
    for measure in MEASURES.values():
        if not re.fullmatch(r"[\w.-]*", measure.version):
            raise ValueError(f"{measure.version!r} cannot name a version of {measure.name}.")


def _check_method(method: Method) -> None:
    """Find what a method's file names and nobody has."""
    for policy in method.policies:
        unknown = {name for name, _ in policy.limits} - set(GUARDS)
        if policy.method != method.name or unknown:
            raise ValueError(f"Policy {policy.name} does not fit its method {method.name}: {unknown or ''}")
    for rewriter in method.rewriters:
        made = DERIVATIONS.get(rewriter.origin)
        if made is None or made.parent is not Origin.ORIGINAL:
            raise ValueError(f"{rewriter.name} cannot make {rewriter.origin} of an original.")
    beside = {measure.name for measure in method.measures if measure.source is Source.SCORING}
    if beside != {loss.measure for loss in method.losses} or len(beside) < len(method.losses):
        raise ValueError(f"Method {method.name} needs one loss for each measure that is written with scores.")
    if unknown := set(method.dials) - set(DIALS):
        raise ValueError(f"Method {method.name} shows dials that are not there: {', '.join(sorted(unknown))}.")


_check_names()
for _method in METHODS.values():
    _check_method(_method)


def find_method(name: str) -> Method:
    """Find a method by name; SRTError lists the names there are."""
    if name not in METHODS:
        raise SRTError(f"There is no method {name}.", f"Choose from: {', '.join(METHODS)}.")
    return METHODS[name]


def scoring_settings(method: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what is not given of how to score, from a method's paper ("": of no method), else what is usual.

    SRTError where that leaves no student.
    """
    paper = find_method(method) if method else None
    found = {name: asked[name] or (getattr(paper, name) if paper else None) or usual for name, usual in _USUAL.items()}
    added = paper.losses if paper else ()
    found |= {loss.measure: asked[loss.measure] or loss in added for loss in LOSSES.values()}
    if not found["student"]:
        raise SRTError("No student was given.", "Give --student, or --method superfiltering for a small one.")
    return found


_USUAL: Mapping[str, object] = {
    "student": "", "template": DEFAULT_TEMPLATE, "convention": "aligned", "max_length": 2048,
}  # fmt: skip
"""How a project is scored where neither the curator nor a method says otherwise."""
