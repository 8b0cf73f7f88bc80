"""Benchmarks of lm_eval (EleutherAI's harness) by name, of a trained student and of its parent, where it is installed.

It runs as a process of its own, and its results file is read; nothing of it is imported.
"""

import json
import math
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

from srt_core.errors import StudentError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.score.student import find
from srt_core.train.runs import Run

_WAIT_SECONDS = 1.0


def run_benchmarks(
    store: Store, run: Run, tasks: str, *, stop: Event, device: str = "auto"
) -> Generator[Progress, None, None]:
    """Run tasks with both students and keep the metrics with their standard errors; tasks with commas between.

    Raises:
        StudentError: lm_eval is not installed, or failed; the last thing it said is quoted.
    """
    if find_spec("lm_eval") is None:
        raise StudentError("lm_eval is not installed.", "Install it with: pip install lm-eval. Or leave out --lm-eval.")
    for name, student in (("trained", run.trained), ("parent", run.student)):
        yield Progress("benchmarks", message=f"lm_eval reads the {name} student")
        with TemporaryDirectory(prefix="srt-lm-eval-") as folder:
            log = Path(folder) / "log.txt"
            with log.open("wb") as file:
                process = subprocess.Popen(_command(student, tasks, device, folder), stdout=file, stderr=file)
            while process.poll() is None:
                if stop.is_set():
                    process.kill()
                    process.wait()
                    return
                time.sleep(_WAIT_SECONDS)
            if process.returncode:
                words = log.read_text("utf-8", errors="replace").strip().rpartition("\n")[2]
                raise StudentError(f"lm_eval failed: {words}", "Look for the task in `lm_eval ls tasks`.")
            found = [each for path in Path(folder).rglob("results*.json") for each in read_results(path)]
        with store.transaction() as tx:
            for task, metric, value, error in found:
                values = [run.run_id, name, task, metric, value, error]
                tx.execute("INSERT OR REPLACE INTO benchmark VALUES (?, ?, ?, ?, ?, ?)", values)


def _command(student: str, tasks: str, device: str, folder: str) -> list[str]:
    source = find(student)
    model = f"pretrained={source.base.place},peft={source.place}" if source.base else f"pretrained={source.place}"
    where = [] if device == "auto" else ["--device", device]
    return [sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", model, "--tasks", tasks,
            "--output_path", folder, *where]  # fmt: skip


def read_results(path: Path) -> Iterator[tuple[str, str, float | None, float | None]]:
    """Yield task, metric, value and standard error of a results file; None for what is no finite number."""
    results: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))["results"]
    for task, metrics in results.items():
        for name, value in metrics.items():
            metric, _, filter_name = name.partition(",")
            if isinstance(value, int | float) and filter_name and not metric.endswith("_stderr"):
                yield task, metric, _finite(value), _finite(metrics.get(f"{metric}_stderr,{filter_name}"))


def _finite(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def benchmark_lines(store: Store, run_id: int) -> list[str]:
    """Say what benchmarks say of a run and its parent, a line a metric."""
    rows = store.rows("SELECT * FROM benchmark WHERE run_id = ? ORDER BY task, metric, student", [run_id])
    return [
        f"{row['task']}, {row['metric']}, {row['student']}: "
        + ("no number" if row["value"] is None else f"{row['value']:.4f}")
        + ("" if row["error"] is None else f" (standard error {row['error']:.4f})")
        for row in rows
    ]
