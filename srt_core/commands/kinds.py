"""`srt kinds`."""

from collections.abc import Iterator

import typer

from srt_core.commands.common import ProjectPath
from srt_core.commands.terminal import show
from srt_core.importing.grouping import find_kinds, group_subjects
from srt_core.project.progress import Progress
from srt_core.project.store import Store


def kinds_(project: ProjectPath) -> None:
    """Find what each sample is about: task and language where they are missing, then group all by subject again."""
    with Store.open(project) as store:

        def steps() -> Iterator[Progress]:
            yield from find_kinds(store)
            yield from group_subjects(store)

        show(steps())
        tasks = store.rows("SELECT task, count(*) AS samples FROM kind GROUP BY task ORDER BY samples DESC, task")
        groups = store.rows(
            """SELECT cluster, words, count(*) AS samples FROM kind JOIN cluster USING (cluster)
               GROUP BY ALL ORDER BY cluster"""
        )
    for row in tasks:
        typer.echo(f"{row['task']}: {row['samples']:,}")
    for row in groups:
        typer.echo(f"subject {row['cluster']} ({row['words']}): {row['samples']:,}")
