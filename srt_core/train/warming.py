"""The warm-up of a student before it scores (Cherry, arXiv 2308.12032): which pairs, and the export that it reads once.

    originals that no audit drew ─▶ vectors and perplexities of their prompts, by the student itself
        ─▶ groups by k-means ─▶ the middle of each by perplexity ─▶ an export, for one epoch of `training`

Vectors and losses are kept as they come, so what was killed goes on. What an audit drew, and whatever is of one group
with it, is never read: the student that scores must not know what the rule is judged by.
"""

import hashlib
import math
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from srt_core.errors import StudentError
from srt_core.export.splits import with_groups
from srt_core.export.written import MANIFEST
from srt_core.methods.cherry import middle
from srt_core.project.candidates import pairs
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import Loss, LossRequest, Origin
from srt_core.score.ifd import Convention, plan_texts
from srt_core.score.losses import request_key, store_losses, stored_losses
from srt_core.score.prompts import NotCarriedError, Prompts
from srt_core.score.student import load_student, loading_message
from srt_core.score.student.encoding import StudentEncoder
from srt_core.score.student.model import Student
from srt_core.train.exports import TRAIN
from srt_core.train.plan import Settings
from srt_core.train.writing import candidate_pairs, write_pairs
from srt_core.vectors.encodings import Recipe, begin_encoding
from srt_core.vectors.keeping import encode
from srt_core.vectors.reading import reading

UNIT = "prompts"
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a warm-up reads: candidates in the order of the project, of how many that could be, in how many groups."""

    ids: tuple[int, ...]
    able: int
    groups: int
    audited: int
    """Samples that were left out because an audit drew them, or one of their group."""
    without: tuple[str, ...]
    """Samples whose prompt has no vector or no perplexity."""

    @property
    def said(self) -> str:
        """Say it in a sentence."""
        lacking = f"; {len(self.without):,} prompts have no vector or perplexity" if self.without else ""
        audited = f"; {self.audited:,} samples are kept from it, for an audit drew them or their like"
        return f"{len(self.ids):,} of {self.able:,} originals, of {self.groups:,} groups{audited}{lacking}"


def choose(
    store: Store, settings: Settings, prompts: Prompts, groups: int, take: int, stop: Event
) -> Generator[Progress, None, Chosen | None]:
    """Return what a warm-up reads; None where it was stopped.

    Raises:
        StudentError: the student cannot be loaded or run, or nothing is left to read.
    """
    audited = with_groups(store, [row["name"] for row in store.rows("SELECT DISTINCT sample_id AS name FROM drawn")])
    rows = store.rows(
        f"""SELECT candidate_id, sample_id FROM candidate WHERE origin = '{Origin.ORIGINAL}'
            AND NOT list_contains($audited::VARCHAR[], sample_id) ORDER BY candidate_id""",
        {"audited": sorted(audited)},
    )
    if not rows:
        raise StudentError("There is no sample to warm a student up on.", "Import some that no audit drew.")
    names = {row["candidate_id"]: row["sample_id"] for row in rows}
    yield Progress(UNIT, total=len(rows), message=loading_message(settings.student))
    student = load_student(settings.student, device=settings.device)
    encoder = StudentEncoder(student)
    yield from encode(store, encoder, Recipe.PROMPT, whole=False, in_use=False, stop=stop)
    hardness = yield from _hardness(store, student, prompts, settings, list(names), stop)
    if stop.is_set():
        return None
    encoding_id = begin_encoding(store, encoder, Recipe.PROMPT, in_use=False)
    sql = """SELECT candidate_id AS key, vector FROM vector WHERE encoding_id = $encoding_id AND vector IS NOT NULL
             AND candidate_id IN (SELECT unnest($able::BIGINT[]))"""
    values = {"encoding_id": encoding_id, "able": list(hardness)}
    with reading(store, sql, values, encoder.dimensions) as vectors:
        able = [int(key) for key in vectors.keys]
        if not able:
            raise StudentError("No prompt has a vector and a perplexity.", "Choose another student.")
        labels = [int(label) for label in vectors.groups(groups)]
    chosen = taken(able, labels, [hardness[key] for key in able], take)
    without = tuple(name for key, name in names.items() if key not in set(able))
    return Chosen(tuple(chosen), len(able), len(set(labels)), len(audited), without)


def taken(ids: Sequence[int], labels: Sequence[int], numbers: Sequence[float], take: int) -> list[int]:
    """Return which of the ids are taken: the `middle` of each group by its numbers, in the order of `ids`."""
    places: dict[int, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    found = [own[each] for own in places.values() for each in middle([numbers[place] for place in own], take)]
    return [ids[place] for place in sorted(found)]


def _hardness(
    store: Store, student: Student, prompts: Prompts, settings: Settings, ids: Sequence[int], stop: Event
) -> Generator[Progress, None, dict[int, float]]:
    """Return the perplexity of each prompt as the template writes it, behind the start token; each is kept."""
    found: dict[int, float] = {}
    progress = Progress(UNIT, total=len(ids), message="Reading prompts")
    for first in range(0, len(ids), _CHUNK):
        chunk = ids[first : first + _CHUNK]
        asked = _requests(store, student, prompts, settings.max_length, chunk)
        keys = {
            each: request_key(student.fingerprint, str(Convention.ALIGNED), settings.max_length, each)
            for each in asked.values()
        }
        known = stored_losses(store, list(keys.values()))
        lacking = [each for each, key in keys.items() if key not in known]
        with closing(student.run(student.packs(lacking))) as computed:
            for pack, losses in computed:
                new = {keys[each]: loss for each, loss in zip(pack, losses, strict=True)}
                with store.transaction() as tx:
                    store_losses(tx, new)
                known |= new
                if stop.is_set():
                    return found
        means = {key: known[keys[each]].mean for key, each in asked.items()}
        found |= {key: math.exp(min(mean, 700.0)) for key, mean in means.items() if mean is not None}
        progress = progress.moved(len(chunk), failed=len(chunk) - len(asked), message="Reading prompts")
        yield progress
    return found


def _requests(
    store: Store, student: Student, prompts: Prompts, max_length: int, ids: Sequence[int]
) -> dict[int, LossRequest]:
    """Return what is asked of the student for each prompt; none for one that the template cannot carry."""
    texts: dict[int, str] = {}
    for key, pair in pairs(store, ids).items():
        try:
            texts[key] = prompts.prompt(pair)
        except NotCarriedError:
            continue
    planned = plan_texts([("", text) for text in texts.values()], student, max_length, is_chat=False)
    return {key: each for key, each in zip(texts, planned, strict=True) if not isinstance(each, Loss)}


def write_export(store: Store, chosen: Chosen, prompts: Prompts, folder: Path, said: dict[str, object]) -> Path:
    """Write what a warm-up reads as an export, in a folder that is named by it; one that is there is left as it is."""
    place = folder / hashlib.sha256(f"{chosen.ids} {sorted(said.items())}".encode()).hexdigest()[:16]
    if not (place / MANIFEST).is_file():
        write_pairs(place, {TRAIN: candidate_pairs(store, chosen.ids)}, prompts, said)
    return place


def place_student(trained: Path, out: Path) -> None:
    """Put a trained student into a folder of its own, whole or not at all.

    StudentError where the folder has something else in it.
    """
    if out.exists() and any(out.iterdir()):
        raise StudentError(f"{out} is there already.", "Give another --out.")
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(trained, part, copy_function=_link)
    if out.exists():
        out.rmdir()
    part.rename(out)


def _link(one: str, other: str) -> None:
    """Give a file a second name, which takes no space; copy it where the disk is another."""
    try:
        os.link(one, other)
    except OSError:
        shutil.copy2(one, other)
