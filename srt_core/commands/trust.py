"""`srt trust`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from srt_core.commands.common import ProjectPath, lines_of, open_project
from srt_core.commands.terminal import say
from srt_core.project.intervals import Interval, Share
from srt_core.project.store import Store
from srt_core.review.trust import audits
from srt_core.review.trust.agreement import Evidence, Figures, Group, Suggestion, Trust, suggest, trust
from srt_core.review.trust.kappa import Kappa, pairings

_MEASURES = ("agreement", "precision", "recall")


def trust_(
    project: ProjectPath,
    wanted: Annotated[
        float, typer.Option(help="The share of agreement to suggest a margin for.", min=0.5, max=0.999)
    ] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Say how far the rule agrees with what people decided, with 95 % intervals, and what audits show."""
    with open_project(project) as store:
        found = trust(store)
        told = {
            "decisions": {str(source): _figures(found.overall[source]) for source in Evidence},
            "by_margin": [_group(group, "from") for group in found.margins],
            "by_kind": {name: [_group(group, "value") for group in groups] for name, groups in found.kinds.items()},
            "suggested_margin": {
                name: _suggested(found, suggest(found, wanted, by_limit=by_limit))
                for name, by_limit in (("by_lower_limit", True), ("by_estimate", False))
            },
            "audits": [_audit(store, audit) for audit in audits.audits(store)],
            "curators": [
                {"one": pair.one, "other": pair.other, "version": _kappa(pair.version), "keep": _kappa(pair.keep)}
                for pair in pairings(store)
            ],
        }
    say(json.dumps(told, ensure_ascii=False) if as_json else "\n".join(lines_of(_readable(told))))


def _figures(figures: Figures) -> dict[str, Any]:
    shares = {name: _share(getattr(figures, name)) for name in _MEASURES}
    return {**shares, "edits": figures.edits}


def _share(share: Share) -> dict[str, Any]:
    return {**asdict(share), "share": share.estimate, **_ends(share.exact())}


def _ends(interval: Interval | None) -> dict[str, float | None]:
    return {"low": interval.low if interval else None, "high": interval.high if interval else None}


def _group(group: Group, name: str) -> dict[str, Any]:
    return {name: group.value, **{str(source): _figures(figures) for source, figures in group.sources.items()}}


def _suggested(found: Trust, best: Suggestion | None) -> dict[str, Any] | None:
    if best is None:
        return None
    share = _share(best.agreement)
    return {"closeness": best.closeness, **share, "covers": best.covers, "samples": found.samples}


def _audit(store: Store, audit: audits.Audit) -> dict[str, Any]:
    result = audits.result(store, audit)
    return {
        "audit": audit.event_id,
        "from": audit.words,
        "population": audit.population,
        "drawn": audit.size,
        **asdict(audit.terms),
        **asdict(result.progress),
        "holds": result.holds,
        "remaining": result.remaining,
        "limit": result.limit,
        "confidence": result.confidence,
        "met": result.met,
    }


def _kappa(kappa: Kappa) -> dict[str, Any]:
    return {**asdict(kappa), **_ends(kappa.interval())}


def _readable(told: Any) -> Any:
    """Return the same for people: a share on one line, groups over every single decision, a dash for the unknown."""
    if isinstance(told, Mapping):
        if "hits" in told and "closeness" not in told:
            return _line(told)
        if "from" in told and "all" in told or "value" in told:
            return _readable(told["all"])
        return {name.replace("_", " "): _readable(value) for name, value in told.items()}
    if isinstance(told, list):
        return {_title(item): _readable(item) for item in told}
    if isinstance(told, bool):
        return "yes" if told else "no"
    if isinstance(told, float):
        return f"{told:.4g}"
    return "–" if told is None else told


def _line(share: Mapping[str, Any]) -> str:
    if share["share"] is None:
        return "–"
    return (
        f"{share['share'] * 100:.1f} % ({share['low'] * 100:.1f} to {share['high'] * 100:.1f}), "
        f"{share['hits']:,} of {share['n']:,}"
    )


def _title(item: Mapping[str, Any]) -> str:
    if "one" in item:
        return f"{item['one']} and {item['other']}"
    name, value = next(iter(item.items()))
    return str(value) if name == "value" else f"{name} {'–' if value is None else value}"
