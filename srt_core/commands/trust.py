"""`srt trust`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from srt_core.commands.common import ProjectPath, lines_of, open_project
from srt_core.commands.terminal import say
from srt_core.project.store import Store
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import Evidence, Figures, Group, Trust, trust
from srt_core.review.trust.claims import FIXED_BEFORE, Claim
from srt_core.review.trust.kappa import Kappa, pairings
from srt_core.review.trust.readings import Reads

_TITLES = {
    "by_margin": "by distance to a limit",
    "suggested_margin": "suggested distance to a limit",
    "closeness": "distance",
    "origin": "version",
    "curators": "between reviewers",
}
"""How people read the names of the JSON."""
_MEASURES = {"of_all": "all samples", "kept": "what the rule keeps", "left_out": "what the rule leaves out"}


def trust_(
    project: ProjectPath,
    wanted: Annotated[
        float, typer.Option(help="The share right to suggest a distance to the nearest limit for.", min=0.5, max=0.999)
    ] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Say how often the rule is right by random blind reads, with 95 % intervals, and what audits show.

    Decisions that people chose to make are counted apart: they are no sample, so they have no interval.
    """
    with open_project(project) as store:
        found = trust(store)
        told = {
            "claims": {name: _claim(found, name) for name in _MEASURES},
            "intervals": FIXED_BEFORE,
            "random_reads": _figures(found, found.overall[Evidence.RANDOM]),
            "chosen_decisions": _counted(found.overall[Evidence.CHOSEN]),
            "by_margin": [_group(found, group, "from") for group in found.margins],
            "by_kind": {name: [_group(found, group, "value") for group in groups]
                        for name, groups in found.kinds.items()},
            "suggested_margin": _suggested(found, wanted),
            "audits": [_audit(store, audit) for audit in audits.audits(store)],
            "curators": [
                {"one": pair.one, "other": pair.other, "version": _kappa(pair.version), "keep": _kappa(pair.keep)}
                for pair in pairings(store)
            ],
        }  # fmt: skip
    say(json.dumps(told, ensure_ascii=False) if as_json else "\n".join(lines_of(_readable(told))))


def _claim(found: Trust, name: str) -> str:
    return found.claim(getattr(found.overall[Evidence.RANDOM], name)).sentence(_MEASURES[name])


def _figures(found: Trust, figures: Figures) -> dict[str, Any]:
    return {name: _share(found.claim(getattr(figures, name))) for name in _MEASURES}


def _counted(figures: Figures) -> dict[str, Any]:
    return {name: _reads(getattr(figures, name)) for name in _MEASURES}


def _reads(reads: Reads) -> dict[str, Any]:
    return {**asdict(reads), "share": reads.share}


def _share(claim: Claim) -> dict[str, Any]:
    interval = claim.interval if claim.reads.read else None
    return {
        **_reads(claim.reads),
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
    }


def _group(found: Trust, group: Group, name: str) -> dict[str, Any]:
    return {
        name: group.value,
        "random_reads": _figures(found, group.sources[Evidence.RANDOM]),
        "chosen_decisions": _counted(group.sources[Evidence.CHOSEN]),
    }


def _suggested(found: Trust, wanted: float) -> dict[str, Any] | None:
    best = found.suggest(wanted)
    if best is None:
        return None
    return {
        "closeness": best.closeness,
        "chosen_on": _reads(best.chosen),
        "judged_on": _share(best.judged),
        "covers": found.covers(best),
        "samples": found.samples,
    }


def _audit(store: Store, audit: audits.Audit) -> dict[str, Any]:
    about = {
        "audit": audit.event_id, "from": audit.words, "part": str(audit.part), "blind": audit.is_blind,
        "population": audit.population, "drawn": audit.size, "looks": list(audit.looks),
    }  # fmt: skip
    if not audit.is_blind:
        return about
    result = audits.result(store, audit)
    about |= {"holds": result.holds, "unread": result.unread, "parked": result.parked, **_share(result.claim)}
    if audit.terms is None:
        return about
    approvals = audits.approvals(store, audit)
    return about | {
        **asdict(audit.terms), "remaining": result.remaining, "limit": result.limit, "met": result.met,
        "approvals": len(approvals), "broken_approvals": sum(each.is_broken for each in approvals),
    }  # fmt: skip


def _kappa(kappa: Kappa) -> dict[str, Any]:
    interval = kappa.interval()
    return {**asdict(kappa), "low": interval.low if interval else None, "high": interval.high if interval else None}


def _readable(told: Any) -> Any:
    """Return the same for people: a share on one line, a group by its random reads, a dash for the unknown."""
    if isinstance(told, Mapping):
        if "right" in told and "audit" not in told:
            return _line(told)
        if "random_reads" in told and "claims" not in told:
            return _readable(told["random_reads"])
        return {_TITLES.get(name, name.replace("_", " ")): _readable(value) for name, value in told.items()}
    if isinstance(told, list) and told and isinstance(told[0], Mapping):
        return {_title(item): _readable(item) for item in told}
    if isinstance(told, list):
        return ", ".join(map(str, told)) if told else "–"
    if isinstance(told, bool):
        return "yes" if told else "no"
    if isinstance(told, float):
        return f"{told:.4g}"
    return "–" if told is None else told


def _line(share: Mapping[str, Any]) -> str:
    if share["share"] is None:
        return "–"
    interval = f" ({share['low'] * 100:.1f} to {share['high'] * 100:.1f})" if "low" in share else ""
    still = f", {share['open']:,} drawn are open" if share["open"] else ""
    return f"{share['share'] * 100:.1f} %{interval}, {share['right']:,} of {share['right'] + share['wrong']:,}{still}"


def _title(item: Mapping[str, Any]) -> str:
    if "one" in item:
        return f"{item['one']} and {item['other']}"
    name, value = next(iter(item.items()))
    return str(value) if name == "value" else f"{name} {'–' if value is None else value}"
