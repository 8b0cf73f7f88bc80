"""The long steps: import, reflect, score. Each commits in chunks, can stop and go on, and yields progress."""

from srt_core.pipeline.intake import import_file
from srt_core.pipeline.progress import Progress
from srt_core.pipeline.reflecting import Mode, reflect
from srt_core.pipeline.scoring import score

__all__ = ["Mode", "Progress", "import_file", "reflect", "score"]
