"""Producers: the teachers of a project with the version of the prompts that they were asked with.

A candidate names its producer. One that is not listed here is a file that the candidate came with.
"""

from srt_core.project.store import Row, Store
from srt_core.records import Origin


def find_producer(store: Store, teacher: str, prompt_version: str, prompt_hash: str) -> str:
    """Return the name of the producer of a teacher and the prompts of this hash, without writing.

    Where there is none yet, it is the name that it would be given: "{teacher}, prompts {prompt_version}"; where other
    prompts have that already, with the first six characters of the hash behind it.
    """
    found = store.value(
        """SELECT producer FROM producer
           WHERE teacher = ? AND prompt_version = ? AND prompt_hash = ? ORDER BY made_at, producer LIMIT 1""",
        [teacher, prompt_version, prompt_hash],
    )
    if found is not None:
        return str(found)
    name = f"{teacher}, prompts {prompt_version}"
    is_taken = store.value("SELECT 1 FROM producer WHERE producer = ?", [name])
    return f"{name} ({prompt_hash[:6]})" if is_taken else name


def register_producer(store: Store, teacher: str, prompt_version: str, prompt_hash: str, prompt_texts: str) -> str:
    """Find or make the producer of a teacher and the prompts of this hash, and return its name."""
    with store.transaction() as tx:  # one writer at a time: what is found inside stays so until the commit
        name = find_producer(store, teacher, prompt_version, prompt_hash)
        tx.execute(
            """INSERT INTO producer (producer, kind, teacher, prompt_version, prompt_hash, prompt_texts)
               VALUES (?, 'teacher', ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
            [name, teacher, prompt_version, prompt_hash, prompt_texts],
        )
    return name


def producers(store: Store) -> list[Row]:
    """List the teachers with their prompts, the first first: producer, teacher, prompt_version, made_at, candidates."""
    return store.rows(
        """SELECT producer, teacher, prompt_version, made_at,
                  (SELECT count(*) FROM candidate WHERE candidate.producer = producer.producer) AS candidates
           FROM producer WHERE kind = 'teacher' ORDER BY made_at, producer"""
    )


def rewriters(store: Store) -> list[str]:
    """Name every producer of rewrites, teachers and files, in the order in which their first one was stored.

    Then the orders of producers that hold one of these.
    """
    rows = store.rows(
        f"SELECT producer FROM candidate WHERE origin <> '{Origin.ORIGINAL}' GROUP BY 1 ORDER BY min(candidate_id)"
    )
    made = [row["producer"] for row in rows]
    orders = store.rows(
        "SELECT DISTINCT name FROM producer_order WHERE producer IN (SELECT unnest(?::VARCHAR[]))", [made]
    )
    return made + [row["name"] for row in orders]
