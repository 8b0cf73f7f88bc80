"""Arms: what several students are trained on so that they can be compared, and what is put aside from all of them.

    a policy's name   what its rule keeps
    random            as many samples as the first policy keeps, drawn anew for each seed, each in its rewrite
    all               every sample in its rewrite, where it has one
    originals         every sample as it was imported

All read the same number of tokens. What an arm has is written as an export, so that it is trained on like any other and
stays when the project changes.
"""

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srt_core.errors import PolicyError, StudentError
from srt_core.export.splits import draw_groups
from srt_core.export.written import MANIFEST
from srt_core.project.candidates import count_samples
from srt_core.project.store import Row, Store
from srt_core.records import Origin, Policy
from srt_core.score.prompts import Prompts
from srt_core.select.policy import policy_from_json, policy_to_json, settings_of
from srt_core.select.selection import select
from srt_core.train.evaluating import REWRITES
from srt_core.train.exports import TRAIN, VALIDATION
from srt_core.train.writing import candidate_pairs, write_pairs

RANDOM, ALL, ORIGINALS = "random", "all", "originals"
CONTROLS = (RANDOM, ALL, ORIGINALS)


@dataclass(frozen=True, slots=True)
class Experiment:
    """What the arms of one command have in common. `put_aside`: samples that no arm is trained on."""

    experiment_id: int
    policies: tuple[Policy, ...]
    controls: tuple[str, ...]
    seeds: int
    tokens: int
    put_aside: tuple[str, ...]
    folder: Path

    @property
    def arms(self) -> list[str]:
        """The names of the arms: the control that all are held to first."""
        return [*self.controls, *(each.name for each in self.policies)]

    def export(self, arm: str, seed: int) -> Path:
        """Return the folder of what an arm is trained on; a random one has one for each seed."""
        return self.folder / "exports" / (f"{arm}-{seed}" if arm == RANDOM else arm)


def begin_experiment(
    store: Store, asked: Mapping[str, Any], policies: Sequence[Policy], put_aside: int, folder: Path | None
) -> Experiment:
    """Return the experiment of these settings: the one that was begun before, as it was begun, or a new one.

    Raises:
        StudentError: too few samples have both an original and a rewrite; PolicyError: two policies have one name.
    """
    names = [each.name for each in policies]
    if len({*names, *CONTROLS}) != len(names) + len(CONTROLS):
        raise PolicyError("Two arms would have one name.", f"Save a policy under another name than {', '.join(names)}.")
    key = hashlib.sha256(json.dumps([asked, names, put_aside, str(folder)], sort_keys=True).encode()).hexdigest()[:32]
    rows = store.rows("SELECT experiment_id, settings FROM experiment WHERE key = ?", [key])
    if not rows:
        aside = _put_aside(store, put_aside)
        with store.transaction() as tx:
            number = int(tx.execute("SELECT nextval('experiment_ids')")[0][0])
            place = folder or store.path.parent.resolve() / "arms" / f"{store.path.stem}-{number}"
            kept = {"policies": [policy_to_json(each) for each in policies], "put_aside": aside, "folder": str(place)}
            tx.execute(
                "INSERT INTO experiment (experiment_id, key, settings) VALUES (?, ?, ?)",
                [number, key, json.dumps({**asked, **kept})],
            )
        rows = store.rows("SELECT experiment_id, settings FROM experiment WHERE key = ?", [key])
    found = json.loads(rows[0]["settings"])
    return Experiment(
        rows[0]["experiment_id"],
        tuple(policy_from_json(each) for each in found["policies"]),
        tuple(found["controls"]),
        found["seeds"],
        found["tokens"],
        tuple(found["put_aside"]),
        Path(found["folder"]),
    )


def _put_aside(store: Store, number: int) -> list[str]:
    """Draw samples that have both sides, with all that is of one group with them, as an export puts groups aside."""
    drawn = draw_groups(store, number)
    left = count_samples(store) - len(drawn)
    if not drawn or left < len(drawn):
        raise StudentError(
            f"Of {left + len(drawn):,} samples {len(drawn):,} would be put aside, and {left:,} are left to train on.",
            "Import or rewrite more, or give a smaller --put-aside.",
        )
    return drawn


def candidates_of_arm(store: Store, experiment: Experiment, arm: str, seed: int) -> list[int]:
    """Return the candidates that an arm is trained on, in the order of the samples."""
    if arm == RANDOM:
        size = len(candidates_of_arm(store, experiment, experiment.policies[0].name, seed))
        pool = candidates_of_arm(store, experiment, ALL, seed)
        if size > len(pool):
            raise StudentError(
                f"The rule keeps {size:,} and {len(pool):,} have a rewrite, so no control of equal size can be drawn.",
                "Leave random out: --with all,originals.",
            )
        return sorted(random.Random(f"{experiment.experiment_id} {seed}").sample(pool, size))
    if arm in (ALL, ORIGINALS):
        return [row["candidate_id"] for row in _versions(store, experiment, is_original=arm == ORIGINALS)]
    policy = next(each for each in experiment.policies if each.name == arm)
    aside = set(experiment.put_aside)
    return [row["candidate_id"] for row in select(store, policy) if row["origin"] and row["sample_id"] not in aside]


def _versions(store: Store, experiment: Experiment, *, is_original: bool) -> list[Row]:
    return store.rows(
        f"""SELECT candidate_id FROM candidate
            WHERE (origin = '{Origin.ORIGINAL}') = $original AND sample_id NOT IN (SELECT unnest($aside::VARCHAR[]))
            QUALIFY row_number() OVER (PARTITION BY sample_id
                                       ORDER BY list_position($origins::VARCHAR[], origin), candidate_id) = 1
            ORDER BY candidate_id""",
        {"original": is_original, "aside": list(experiment.put_aside), "origins": REWRITES},
    )


def write_arm(
    store: Store, experiment: Experiment, arm: str, seed: int, prompts: Prompts, student: Mapping[str, object]
) -> Path:
    """Write what an arm is trained on as an export, and what is put aside; one that is there is left as it is.

    Raises:
        StudentError: the arm has nothing; ExportError: the folder cannot be written.
    """
    folder = experiment.export(arm, seed)
    if (folder / MANIFEST).is_file():
        return folder
    chosen = candidates_of_arm(store, experiment, arm, seed)
    if not chosen:
        raise StudentError(f"The arm {arm} has no sample.", "Choose another policy, or leave it out.")
    aside = [
        row["candidate_id"]
        for row in store.rows(
            f"""SELECT candidate_id FROM candidate WHERE origin = '{Origin.ORIGINAL}'
                AND sample_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY candidate_id""",
            [list(experiment.put_aside)],
        )
    ]
    policy = next((settings_of(each) for each in experiment.policies if each.name == arm), None)
    parts = {TRAIN: candidate_pairs(store, chosen), VALIDATION: candidate_pairs(store, aside)}
    write_pairs(folder, parts, prompts, {"arm": arm, "seed": seed, "student": student, "policy": policy})
    return folder
