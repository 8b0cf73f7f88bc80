"""What decisions say beside the pairs: preferences, single judged versions, samples that were left out, edits.

By a person is what a reviewer decided of this very sample. What was approved with many at once, and what the rule alone
picked, is by the rule: nobody looked.
"""

from collections.abc import Iterator

from srt_core.export.contents import chosen_samples, export_row
from srt_core.export.exporting import NO_LINE, Export
from srt_core.export.formats import ExportRow, Split
from srt_core.export.formats.items import By, Edit, Judged, Preference, Refusal
from srt_core.project.candidates import pair_of
from srt_core.project.store import Row, Store
from srt_core.records import Origin

_HELD = """
    SELECT exported."row", exported.sample_id, exported.candidate_id, exported.edit_id,
           coalesce(edit.origin, candidate.origin) AS origin,
           coalesce(edit.instruction, candidate.instruction) AS instruction,
           coalesce(edit.input, candidate.input) AS input, coalesce(edit.response, candidate.response) AS response,
           coalesce(edit.context, candidate.context) AS context,
           if(exported.edit_id IS NULL, score.ifd, edit_score.ifd) AS ifd,
           if(exported.edit_id IS NULL, score.r_ifd, edit_score.r_ifd) AS r_ifd,
           standing.candidate_id AS made_of, verdict.reason,
           coalesce(is_approval(standing.action) AND NOT is_bulk(event.context), false) AS by_person
    FROM exported JOIN verdict USING (sample_id)
        LEFT JOIN pair AS candidate ON candidate.candidate_id = exported.candidate_id
        LEFT JOIN edited_pair AS edit ON edit.event_id = exported.edit_id
        LEFT JOIN score ON score.candidate_id = exported.candidate_id AND score.scoring_id = $scoring
        LEFT JOIN edit_score ON edit_score.event_id = exported.edit_id AND edit_score.scoring_id = $scoring
        LEFT JOIN standing ON standing.sample_id = exported.sample_id
        LEFT JOIN event ON event.event_id = standing.event_id
    WHERE exported.export_id = $export AND exported."row" BETWEEN $first AND $last"""
_IDS = ", ".join(f"panel.{origin.lower()}_id" for origin in Origin)
_BARE = "'{}' AS extra, NULL AS conversation"
_PREFERENCES = f"""
    WITH held AS ({_HELD})
    SELECT held.*, {_BARE}, other.response AS other_response, other.origin AS other_origin,
           held.ifd - other_score.ifd AS ifd_margin, other_score.r_ifd - held.r_ifd AS r_ifd_margin
    FROM held JOIN panel USING (sample_id)
        JOIN candidate AS other ON other.sample_id = held.sample_id AND (
            other.candidate_id IN ({_IDS}) OR (held.edit_id IS NOT NULL AND other.candidate_id = held.made_of))
        LEFT JOIN score AS other_score
            ON other_score.candidate_id = other.candidate_id AND other_score.scoring_id = $scoring
    WHERE (held.edit_id IS NOT NULL OR other.candidate_id <> held.candidate_id) AND other.instruction = held.instruction
      AND other.input = held.input AND other.response <> held.response
    ORDER BY held."row", held.sample_id, other.candidate_id"""
"""What stands, beside each other version that has the same instruction, input and context."""
_KEPT = f"""
    SELECT held.*, {_BARE} FROM ({_HELD}) AS held ORDER BY "row", sample_id"""
_STANDING = """
    SELECT verdict.seq, verdict.sample_id, pair.candidate_id, edit.event_id AS edit_id,
           coalesce(edit.origin, pair.origin) AS origin, coalesce(edit.instruction, pair.instruction) AS instruction,
           coalesce(edit.input, pair.input) AS input, coalesce(edit.response, pair.response) AS response,
           coalesce(edit.context, pair.context) AS context, sample.extra, sample.conversation, verdict.reason,
           verdict.author, verdict.event_context ->> 'because' AS because,
           NOT is_bulk(verdict.event_context) AS by_person,
           before.instruction AS before_instruction, before.input AS before_input, before.response AS before_response
    FROM (SELECT found.*, event.context AS event_context, event.candidate_id AS made_of
          FROM {chosen} AS found JOIN event USING (event_id) WHERE {which}) AS verdict
        JOIN sample ON sample.seq = verdict.seq
        LEFT JOIN edited_pair AS edit ON verdict.action = 'edit' AND edit.event_id = verdict.event_id
        LEFT JOIN pair ON verdict.action <> 'edit'
            AND pair.candidate_id = coalesce(verdict.candidate_id, verdict.original_id)
        LEFT JOIN candidate AS before ON before.candidate_id = verdict.made_of
    ORDER BY verdict.seq"""
_LEFT_OUT, _EDITED = "found.action = 'reject'", "found.action = 'edit'"


def preferences(store: Store, export: Export, split: Split) -> Iterator[tuple[int, Preference]]:
    """Stream what stands of each sample that an export holds, beside each version of the same prompt."""
    for row in _held(store, _PREFERENCES, export, split):
        chosen = export_row(row)
        rejected = pair_of({**row, "response": row["other_response"]})
        margins = row["ifd_margin"], row["r_ifd_margin"]
        yield row["row"], Preference(chosen, rejected, Origin(row["other_origin"]), _by(row), row["reason"], *margins)


def judged(store: Store, export: Export, split: Split) -> Iterator[tuple[int, Judged]]:
    """Stream every version that stands, those that it was preferred to, and what reviewers left out one by one."""
    for row in _held(store, _KEPT, export, split):
        yield row["row"], Judged(export_row(row), True, _by(row), row["reason"], None)
    for number, found in preferences(store, export, split):
        sample = found.chosen.sample_id
        other = ExportRow(found.rejected, sample, str(found.rejected_origin))
        yield number, Judged(other, False, found.by, found.reason, None)
    is_aside = f"found.seq IN (SELECT seq FROM {export.aside})"
    part = is_aside if split is Split.VALIDATION else f"NOT {is_aside}"
    for row in _standing(store, export, f"{_LEFT_OUT} AND {part}"):
        if row["by_person"]:
            yield NO_LINE, Judged(export_row(row), False, By.PERSON, row["reason"], row["because"])


def left_out(store: Store, export: Export, _split: Split) -> Iterator[tuple[int, Refusal]]:
    """Stream the samples that reviewers left out."""
    for row in _standing(store, export, _LEFT_OUT):
        yield NO_LINE, Refusal(export_row(row), row["reason"], row["because"], row["author"])


def edits(store: Store, export: Export, _split: Split) -> Iterator[tuple[int, Edit]]:
    """Stream the edits that stand."""
    for row in _standing(store, export, _EDITED):
        texts = {name: row[f"before_{name}"] for name in ("instruction", "input", "response")}
        before = None if texts["response"] is None else pair_of({**row, **texts})
        yield NO_LINE, Edit(export_row(row), before, row["author"])


def _held(store: Store, sql: str, export: Export, split: Split) -> Iterator[Row]:
    first, last = export.rows_of(split)
    values = {"export": export.export_id, "first": first, "last": last, "scoring": store.scoring_id()}
    for chunk in store.stream(sql, values):
        yield from chunk


def _standing(store: Store, export: Export, which: str) -> Iterator[Row]:
    chosen, values = chosen_samples(store, None, export.contents.only)
    for chunk in store.stream(_STANDING.format(chosen=chosen, which=which), values):
        yield from chunk


def _by(row: Row) -> By:
    return By.PERSON if row["by_person"] else By.RULE
