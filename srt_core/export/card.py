"""The dataset card: README.md as the hub reads it, with counts, where the texts come from, and how to train on them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from srt_core.export.files import Exported
from srt_core.export.formats import FORMATS
from srt_core.export.formats.lines import EDITED
from srt_core.export.scored import short_name
from srt_core.export.staging import IFD_CHART, VERSIONS_CHART
from srt_core.export.trainers import code
from srt_core.records import Origin

UNKNOWN_LICENCE = "unknown"
"""What the hub calls a licence that nobody named."""
VERSION_LABELS: Mapping[str, str] = {**{str(each): each.capitalize() for each in Origin}, EDITED: "Edited"}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True, slots=True)
class Card:
    """What the card says, as far as the files do not."""

    manifest: Mapping[str, Any]
    versions: Mapping[str, int]
    """Lines by version."""
    languages: Sequence[str]
    """Codes of two letters."""
    training: Sequence[tuple[str, str, str]]
    """For each trainer its name, what to know and what to run."""
    has_ifd: bool


def card_of(exported: Exported, card: Card) -> str:
    """Return the card in Markdown. Texts of the project stand in it as code."""
    return "\n".join([*_header(exported, card), "", *_body(exported, card)]) + "\n"


def _header(exported: Exported, card: Card) -> list[str]:
    lines = [
        "---",
        f"license: {card.manifest['licence'] or UNKNOWN_LICENCE}",
        "task_categories:",
        "  - text-generation",
    ]
    if card.languages:
        lines += ["language:", *(f"  - '{each}'" for each in card.languages)]
    size = next((name for limit, name in _SIZES if exported.rows < limit), "1M<n<10M")
    lines += ["size_categories:", f"  - {size}", "tags:", "  - instruction-tuning", "  - selective-reflection-tuning"]
    configs = []
    for place, name in enumerate(_configured(exported)):
        configs += [f"  - config_name: {name}", *(["    default: true"] if place == 0 else []), "    data_files:"]
        for each in _of(exported, name):
            configs += [f"      - split: {each.split}", f"        path: {each.path.name}"]
    return [*lines, *(["configs:", *configs] if configs else []), "---"]


def _configured(exported: Exported) -> list[str]:
    """Return the formats that `load_dataset` finds by name: it takes all files for those of the first kind."""
    held = [name for name in exported.formats if _of(exported, name)]
    return [name for name in held if _kind(exported, name) == _kind(exported, held[0])]


def _kind(exported: Exported, format: str) -> bool:
    return bool(_of(exported, format)[0].path.suffix == ".parquet")


def _of(exported: Exported, format: str) -> list[Any]:
    return [each for each in exported.files if each.format == format and each.rows]


def _body(exported: Exported, card: Card) -> list[str]:
    found, before = card.manifest, exported.before
    lines = ["# Instruction data, curated", ""]
    lines += [
        "Pairs of an instruction and a response. Of each sample stands one version: the original, or a rewrite, as",
        "a rule over the student's own losses selected it (Selective Reflection-Tuning, arXiv 2402.10110) and as",
        "reviewers decided above it. `manifest.json` says how every file came to be.",
        "",
    ]
    if before:
        lines += [
            f"{before.lines:,} lines: {before.trained:,} for training, {before.aside:,} put aside for validation."
        ]
        if before.parked:
            lines += [f"{before.parked:,} that the rule keeps are parked: nobody decided, and they are "
                      f"{'in' if found['scope'] == 'with-parked' else 'left out'}."]  # fmt: skip
        lines += [""]
    lines += ["| file | lines | what |", "| --- | --- | --- |"]
    lines += [f"| `{each.path.name}` | {each.rows:,} | {FORMATS[each.format].help} |" for each in exported.files]
    lines += [f"\n{said}" for said in _alone(exported)]
    if card.versions:
        lines += ["", f"![Lines by version]({VERSIONS_CHART})"]
    if card.has_ifd:
        lines += ["", f"![IFD of the originals and of what stands]({IFD_CHART})"]
    lines += ["", "## Where it comes from", "", *_origin(found)]
    if before:
        lines += ["", "## What to know before training", "", *(f"- {escaped(said)}" for said in before.described())]
        if before.tokenizer:
            name = code(short_name(before.tokenizer))
            lines += [f"- Tokens were counted with the tokenizer of {name}; the max length is {before.max_length:,}."]
    for name, said, run in card.training:
        lines += ["", f"### {name}", "", *([said, ""] if said else []), "```", *run.splitlines(), "```"]
    if any(FORMATS[name].source.value in ("preferences", "judged") for name in exported.formats):
        lines += ["", "## Preferences", "", _PREFERENCES]
    return lines


def _alone(exported: Exported) -> list[str]:
    """Say how formats are loaded that are of another kind than the first one."""
    configured, found = _configured(exported), []
    for name in exported.formats:
        files = {str(each.split): each.path.name for each in _of(exported, name)}
        if files and name not in configured:
            kind = "parquet" if _kind(exported, name) else "json"
            found.append(f"`{name}` is loaded by its files: `load_dataset({kind!r}, data_files={files})`.")
    return found


def _origin(found: Mapping[str, Any]) -> list[str]:
    student = found["student"]
    rows = [("Policy", code(str(found["policy"]["name"])))]
    if student:
        rows += [
            ("Student, whose losses selected", code(str(student["student"]))),
            ("Template", f"{code(str(student['template']))}, convention {code(str(student['convention']))}, "
                         f"at most {student['max_length']:,} tokens"),
        ]  # fmt: skip
    rows += [("Teachers, who wrote rewrites", ", ".join(code(each) for each in found["teachers"]) or "none")]
    for origin, number in found.get("counts", {}).get("by_origin", {}).items():
        rows.append((f"Version {VERSION_LABELS.get(origin, origin)}", f"{number:,} samples"))
    decided = found.get("counts", {}).get("by_decision", {})
    if decided:
        by_rule = decided.get("none", 0)
        rows.append(("Decided by reviewers", f"{sum(decided.values()) - by_rule:,} samples, the others by the rule"))
    licence = found["licence"]
    rows.append(("Licence", code(licence) if licence else "not named: ask whoever made it before you share it"))
    cells = ((name, text.replace("|", "\\|")) for name, text in rows)
    return ["| | |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in cells)]


def escaped(text: str) -> str:
    """Return a text as Markdown that shows it as it is."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


_MARKUP = re.compile(r"([\\`*_\[\]<>!#|&~])")


_PREFERENCES = (
    "`by` says whose a preference is: `person` where a reviewer decided this very sample, `rule` where the rule picked "
    "it or many were approved at once. A pick of the rule is no human preference. `reason` is the rule's, the margins "
    "are differences of the student's scores, positive where they speak for what was chosen."
)
