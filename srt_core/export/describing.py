"""Write what stands beside the data of a folder: the card with its pictures, and what trainers read about it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srt_core.export import trainers
from srt_core.export.card import VERSION_LABELS, Card, card_of
from srt_core.export.charts import bars, steps
from srt_core.export.exporting import Export
from srt_core.export.files import Exported
from srt_core.export.formats.writing import replacing
from srt_core.export.scored import Scored
from srt_core.export.staging import AXOLOTL, CARD, DATASET_INFO, IFD_CHART, VERSIONS_CHART
from srt_core.project.store import Store
from srt_core.records import Origin

BINS, HIGHEST = 24, 1.2
"""Of the histogram of IFD; higher ones are in its last bin."""
LANGUAGES = 8
"""That the card names, the most frequent first."""


def write_beside(
    store: Store, stage: Path, export: Export, exported: Exported, scored: Scored | None, manifest: Mapping[str, Any]
) -> list[Path]:
    """Write the card and what is beside it; returns the files."""
    max_length = exported.before.max_length if exported.before else 0
    axolotl = trainers.axolotl(exported.files, scored, export.layout, max_length)
    versions, histogram = _versions(store, export), _histogram(store, export)
    card = Card(
        manifest,
        versions,
        _languages(store, export),
        trainers.how_to_train(exported.files, scored, max_length, has_axolotl=axolotl is not None),
        has_ifd=bool(histogram),
    )
    texts = {
        CARD: card_of(exported, card),
        DATASET_INFO: trainers.dataset_info(exported.files),
        AXOLOTL: axolotl,
        VERSIONS_CHART: bars("Lines by version", versions, VERSION_LABELS) if versions else None,
        IFD_CHART: steps("IFD", "IFD", _EDGES, histogram) if histogram else None,
    }
    written = []
    for name, text in texts.items():
        if text is not None:
            with replacing(stage / name) as file:
                file.write(text.encode())
            written.append(stage / name)
    return written


_EDGES = [round(HIGHEST * place / BINS, 3) for place in range(BINS + 1)]


def _versions(store: Store, export: Export) -> dict[str, int]:
    rows = store.rows(
        """SELECT if(edit_id IS NULL, candidate.origin, 'EDITED') AS version, count(*) AS lines
           FROM exported LEFT JOIN candidate USING (candidate_id) WHERE export_id = ? GROUP BY ALL""",
        [export.export_id],
    )
    found = {row["version"]: row["lines"] for row in rows}
    return {name: found[name] for name in VERSION_LABELS if name in found}


def _histogram(store: Store, export: Export) -> dict[str, list[int]]:
    """Count, by bin of IFD, the originals and what stands; {} where nothing has an IFD."""
    rows = store.rows(
        f"""WITH held AS (FROM exported WHERE export_id = $export),
                 original AS (SELECT ifd FROM held JOIN candidate USING (sample_id) JOIN score
                                  ON score.candidate_id = candidate.candidate_id AND scoring_id = $scoring
                              WHERE origin = '{Origin.ORIGINAL}'),
                 stands AS (SELECT if(edit_id IS NULL, score.ifd, edit_score.ifd) AS ifd
                            FROM held LEFT JOIN score ON score.candidate_id = held.candidate_id
                                                     AND score.scoring_id = $scoring
                                LEFT JOIN edit_score ON edit_score.event_id = held.edit_id
                                                     AND edit_score.scoring_id = $scoring),
                 number AS (SELECT 'Originals' AS what, ifd FROM original
                            UNION ALL SELECT 'What stands', ifd FROM stands)
            SELECT what, least(floor(ifd / $width), $last)::INTEGER AS bin, count(*) AS lines
            FROM number WHERE ifd IS NOT NULL GROUP BY ALL""",
        {"export": export.export_id, "scoring": store.scoring_id(), "width": HIGHEST / BINS, "last": BINS - 1},
    )
    found = {what: [0] * BINS for what in ("Originals", "What stands")} if rows else {}
    for row in rows:
        found[row["what"]][row["bin"]] = row["lines"]
    return found


def _languages(store: Store, export: Export) -> list[str]:
    rows = store.rows(
        """SELECT language FROM exported JOIN kind USING (sample_id)
           WHERE export_id = ? AND regexp_full_match(language, '[a-z]{2}')
           GROUP BY language ORDER BY count(*) DESC, language LIMIT ?""",
        [export.export_id, LANGUAGES],
    )
    return [row["language"] for row in rows]
