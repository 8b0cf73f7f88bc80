"""How fast the scorer is, against the plain way and the published way, in one process: medians of interleaved runs.

    python -m benchmarks.scoring compare      every variant, with the machine's own GEMM peak; a GPU too where one is
    python -m benchmarks.scoring growth       seconds a sample and memory of projects of 100 to 3,000 samples
    python -m benchmarks.scoring again        a second `srt score` over 1,500 samples with nothing changed

Needs SRT_SHARED, a folder with `student/` and `data/expert_revisions.json`; `compare --student FOLDER` takes another
student. Ratios of one run can be compared; seconds
of two runs, or of two machines, cannot.
"""

import argparse
import json
import math
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from srt_core.importing.run import import_file
from srt_core.project.store import Store
from srt_core.records import CandidateLosses, Loss, LossRequest, LossStatus, Pair
from srt_core.score.ifd import Convention, plan, score_of
from srt_core.score.run import score
from srt_core.score.student import Batching, Pack, Student, load_student
from srt_core.score.student.packing import lay_out
from srt_core.score.templates import load_template

Losses = dict[LossRequest, float]
"""A mean loss for each distinct request."""
TEMPLATE = load_template("alpaca")
MAX_LENGTH = 2048
COLUMNS = {
    "original.instruction": "x0",
    "original.input": "i0",
    "original.response": "y0",
    "response.response": "y1",
    "instruction.instruction": "x1",
    "instruction.response": "y0",
    "both.response": "y1",
}


@dataclass(frozen=True)
class Work:
    """Samples with all four slots of each candidate planned: 16 requests a sample, repeated ones included."""

    samples: int
    requests: list[LossRequest]

    @property
    def distinct(self) -> list[LossRequest]:
        """Each request once."""
        return list(dict.fromkeys(self.requests))


def main() -> None:
    """Run one of the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=["compare", "growth", "again"])
    parser.add_argument("--samples", type=int, default=24, help="samples to compare on (default 24)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of interleaved runs (default 5)")
    parser.add_argument("--seed", type=int, default=1, help="which samples")
    parser.add_argument("--short", action="store_true", help="compare batch 1, padded batches and packs alone")
    parser.add_argument("--student", type=Path, help="the student to compare with (default SRT_SHARED/student)")
    asked = parser.parse_args()
    shared = Path(os.environ.get("SRT_SHARED") or sys.exit("Set SRT_SHARED to the folder of real data."))
    if asked.which == "compare":
        compare(shared, asked.student or shared / "student", asked.samples, asked.rounds, asked.seed, short=asked.short)
    elif asked.which == "growth":
        growth(shared)
    else:
        again(shared)


# ---- compare


def compare(shared: Path, folder: Path, samples: int, rounds: int, seed: int, *, short: bool) -> None:
    """Print a table: every variant's seconds, ratio to batch 1 and agreement, the share of the peak, and memory."""
    student = load_student(folder, device="cpu", dtype="float32")
    print(f"{student.identity.parameters / 1e6:,.0f} M parameters. {student.identity.agreement}")
    work = planned(student, both_rewritten(shared, samples, seed))
    peak = gemm_peak(torch.device("cpu"), torch.float32)
    flops = computed_flops(student, student.packs(work.requests))
    print(f"{samples} samples, both rewritten: {len(work.requests)} requests of {sum_tokens(work.requests):,} tokens; "
          f"{len(work.distinct)} distinct of {sum_tokens(work.distinct):,}; "
          f"{sum(len(lay_out(pack).ids) for pack in student.packs(work.requests)):,} computed in packs, "
          f"{flops / 1e9:,.0f} GFLOP")  # fmt: skip
    print(f"{os.cpu_count()} cores, torch {torch.__version__}, fp32 GEMM peak of all cores {peak / 1e9:,.0f} GFLOP/s")
    variants = cpu_variants(folder, student, short=short)
    show(measured(variants, work, rounds), work, flops, peak, "batch 1")
    measure_memory(shared, folder, samples, seed)
    if torch.cuda.is_available():
        compare_on_gpu(work, student, rounds)
    else:
        print("GPU: none here, not measured.")


def cpu_variants(folder: Path, student: Student, *, short: bool) -> dict[str, Callable[[Work], Losses]]:
    """Name every way to score, or the three that matter most."""
    plain = load_student(folder, device="cpu", dtype="float32")._model
    padded = load_student(folder, device="cpu", dtype="float32")
    padded._batching = Batching.PADDED
    if short:
        return {
            "batch 1": one_at_a_time(plain, grad=False),
            "padded batches": lambda work: by_student(padded, work),
            "packs": lambda work: by_student(student, work),
        }
    layers = load_student(folder, device="cpu", dtype="float32")
    layers._forward.decoder = None
    layers._forward.set_packing(on=True)
    preview = load_student(folder, device="cpu", dtype="bfloat16")
    published = {f"published, batches of {size}": in_file_order(plain, size) for size in (1, 4, 8, 16, 32)}
    return {
        "batch 1": one_at_a_time(plain, grad=False),
        "batch 1, gradients on": one_at_a_time(plain, grad=True),
        **published,
        "padded batches": lambda work: by_student(padded, work),
        "packs through the model's layers": lambda work: by_student(layers, work),
        "packs": lambda work: by_student(student, work),
        "packs, budget 64": lambda work: by_student(student, work, 64),
        "packs, budget 512": lambda work: by_student(student, work, 512),
        "packs, budget 8192": lambda work: by_student(student, work, 8192),
        "packs in bfloat16 (preview)": lambda work: by_student(preview, work),
    }


def measure_memory(shared: Path, folder: Path, samples: int, seed: int) -> None:
    """Print the most resident memory that a process takes to load the student and to score in packs."""
    call = f"remember({str(shared)!r}, {str(folder)!r}, {samples}, {seed})"
    subprocess.run([sys.executable, "-c", f"from benchmarks.scoring import remember; {call}"], check=True)


def remember(shared: str, folder: str, samples: int, seed: int) -> None:
    """Load, score once, and print the memory of this process after each."""
    student = load_student(folder, device="cpu", dtype="float32")
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    by_student(student, planned(student, both_rewritten(Path(shared), samples, seed)))
    scored = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"most resident memory: {loaded:,.0f} MB to load and try, {scored:,.0f} MB after scoring", flush=True)


def compare_on_gpu(work: Work, student: Student, rounds: int) -> None:
    """The same on a GPU, with a student of some 500 M parameters of random weights in bfloat16."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(student._tokenizer), hidden_size=1536, intermediate_size=4096, num_hidden_layers=18,
        num_attention_heads=24, num_key_value_heads=24, max_position_embeddings=MAX_LENGTH,
    )  # fmt: skip
    make: Any = LlamaForCausalLM
    model = make(config).to(device="cuda", dtype=torch.bfloat16)
    large = Student(model, student._tokenizer, "random")
    plain = make(config).to(device="cuda", dtype=torch.bfloat16)
    plain.load_state_dict(model.state_dict())
    peak = gemm_peak(torch.device("cuda"), torch.bfloat16)
    flops = computed_flops(large, large.packs(work.requests))
    print(f"{torch.cuda.get_device_name()}, {large.identity.parameters / 1e6:,.0f} M parameters, "
          f"bf16 GEMM peak {peak / 1e12:,.0f} TFLOP/s")  # fmt: skip
    variants = {"batch 1": one_at_a_time(plain, grad=False), "packs": lambda work: by_student(large, work)}
    show(measured(variants, work, rounds), work, flops, peak, "batch 1")


def measured(
    variants: dict[str, Callable[[Work], Losses]], work: Work, rounds: int
) -> dict[str, tuple[list[float], Losses]]:
    """Run all variants in turn, so many rounds, after one that does not count."""
    found: dict[str, tuple[list[float], Losses]] = {name: ([], {}) for name in variants}
    for number in range(rounds + 1):
        for name, run in variants.items():
            torch.set_num_threads(os.cpu_count() or 1)
            started = time.perf_counter()
            losses = run(work)
            seconds = time.perf_counter() - started
            found[name] = ([*found[name][0], *([seconds] if number else [])], losses)
    return found


def show(found: dict[str, tuple[list[float], Losses]], work: Work, flops: float, peak: float, base: str) -> None:
    """Print the table. The share of the peak is of the least time, for the arithmetic that is left after sharing.

    `worst` is the largest difference of a request's mean loss from the base, in nats.
    """
    reference, expected = found[base]
    print(f"{'':36}{'median s':>9}{'least s':>9}{'ratio':>7}{'samples/s':>11}{'of peak':>9}{'worst':>9}{'flips':>7}")
    for name, (seconds, losses) in found.items():
        median = statistics.median(seconds)
        ratio = statistics.median(one / other for one, other in zip(reference, seconds, strict=True))
        worst = max(abs(losses[request] - loss) for request, loss in expected.items())
        share = f"{flops / min(seconds) / peak:9.0%}" if name == "packs" else f"{'':9}"
        print(f"{name:36}{median:9.2f}{min(seconds):9.2f}{ratio:7.2f}{work.samples / median:11.1f}{share}"
              f"{worst:9.0e}{flips(work, losses, expected):7}")  # fmt: skip


def flips(work: Work, losses: Losses, expected: Losses) -> int:
    """Count the comparisons of the rule (both stages, both ceilings) that come out otherwise."""
    return sum(one != other for one, other in zip(verdicts(work, losses), verdicts(work, expected), strict=True))


def verdicts(work: Work, losses: Losses) -> list[bool]:
    """What the rule asks of each sample of four candidates: original, response, instruction, both."""
    found = []
    for at in range(0, len(work.requests), 16):
        slots = [Loss(losses[request], 1, LossStatus.OK) for request in work.requests[at : at + 16]]
        original, response, instruction, both = (score_of(CandidateLosses(*slots[i : i + 4])) for i in range(0, 16, 4))
        ifds = [each.ifd or math.nan for each in (original, response, instruction, both)]
        r_ifds = [each.r_ifd or math.nan for each in (original, response, instruction, both)]
        found += [ifds[2] > ifds[0], r_ifds[1] < r_ifds[0], r_ifds[3] < r_ifds[2]]
        found += [number < 1 for number in (*ifds, *r_ifds)]
    return found


def one_at_a_time(model: Any, *, grad: bool) -> Callable[[Work], Losses]:
    """The plain way: every request of every candidate by itself, logits of the whole vocabulary at every token."""

    def run(work: Work) -> Losses:
        found: Losses = {}
        with torch.set_grad_enabled(grad):
            for request in work.requests:
                ids = torch.tensor([request.ids], device=model.device)
                labels = ids.clone()
                labels[:, : request.start] = -100
                found[request] = float(model(input_ids=ids, labels=labels).loss.detach())
        return found

    return run


def in_file_order(model: Any, size: int) -> Callable[[Work], Losses]:
    """The published batch scorers' way: padded in file order, logits of the whole vocabulary, nothing shared."""

    def run(work: Work) -> Losses:
        found: Losses = {}
        with torch.no_grad():
            for at in range(0, len(work.requests), size):
                batch = work.requests[at : at + size]
                width = max(len(request.ids) for request in batch)
                ids = torch.tensor([[*request.ids, *[0] * (width - len(request.ids))] for request in batch])
                mask = torch.tensor([[1] * len(r.ids) + [0] * (width - len(r.ids)) for r in batch])
                logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
                nlls = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
                for row, request in zip(nlls, batch, strict=True):
                    found[request] = float(row[request.start - 1 : len(request.ids) - 1].mean())
        return found

    return run


def by_student(student: Student, work: Work, token_budget: int | None = None) -> Losses:
    """Our way, equal requests and packs found again each time."""
    losses = dict(student.losses(work.requests, token_budget=token_budget))
    return {request: losses[index].mean or math.nan for index, request in enumerate(work.requests)}


def gemm_peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of the best of some square and student-like matrix products on all cores, or on the GPU."""
    torch.set_num_threads(os.cpu_count() or 1)
    shapes = [(2048, 2048, 2048), (2048, 256, 768), (1024, 1024, 1024)] if device.type == "cpu" else [(8192,) * 3]
    best = 0.0
    for rows, inner, columns in shapes:
        one, other = torch.randn(rows, inner), torch.randn(inner, columns)
        one, other = one.to(device, dtype), other.to(device, dtype)
        for _ in range(30):
            started = time.perf_counter()
            torch.mm(one, other)
            if device.type == "cuda":
                torch.cuda.synchronize()
            best = max(best, 2 * rows * inner * columns / (time.perf_counter() - started))
    return best


def computed_flops(student: Student, packs: Iterable[Pack]) -> float:
    """FLOPs that the packs need: layers at every row, the last layer's rest and the head at target rows alone."""
    model: Any = student._model
    config = model.config
    layers = list(model.base_model.layers)
    of_layer = sum(parameter.numel() for parameter in layers[0].parameters() if parameter.dim() == 2)
    seen_by_all = sum(getattr(layers[-1].self_attn, name).weight.numel() for name in ("q_proj", "k_proj", "v_proj"))
    width = config.num_attention_heads * config.head_dim
    total = 0.0
    for layout in map(lay_out, packs):
        rows, targets = len(layout.ids), len(layout.targets)
        total += 2 * rows * of_layer * (len(layers) - 1) + 2 * rows * seen_by_all
        total += 2 * targets * (of_layer - seen_by_all + model.get_output_embeddings().weight.numel())
        for segment in layout.segments:
            size = segment.rows[1] - segment.rows[0]
            total += 4 * size * (segment.depth + (size + 1) / 2) * width * len(layers)
    return total


# ---- growth and running again


def growth(shared: Path) -> None:
    """Print seconds a sample and resident memory for projects of growing size, each in a process of its own."""
    print(f"{'samples':>8}{'seconds':>10}{'ms a sample':>13}{'tokens/s':>10}{'peak MB':>9}")
    for samples in (100, 300, 1000, 3000):
        command = [sys.executable, "-c", f"from benchmarks.scoring import grow; grow({str(shared)!r}, {samples})"]
        subprocess.run(command, check=True)


def grow(shared: str, samples: int) -> None:
    """Score one project of so many samples with four candidates each, and print its row."""
    student = load_student(Path(shared) / "student", device="cpu")
    with tempfile.TemporaryDirectory() as folder, Store.create(Path(folder) / "p.srt") as store:
        data = Path(folder) / "data.jsonl"
        write_samples(data, Path(shared), samples)
        for _ in import_file(store, data, column_map=COLUMNS):
            pass
        last = list(score(store, student, TEMPLATE))[-1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    per_sample = 1000 * last.elapsed_seconds / samples
    print(f"{samples:8,}{last.elapsed_seconds:10.1f}{per_sample:13.1f}{last.rate:10,.0f}{peak:9,.0f}", flush=True)


def again(shared: Path) -> None:
    """Print how long the whole command takes at first and again, over 1,500 samples."""
    with tempfile.TemporaryDirectory() as folder:
        project, data = Path(folder) / "p.srt", Path(folder) / "data.jsonl"
        write_samples(data, shared, 1500)
        with Store.create(project) as store:
            for _ in import_file(store, data, column_map=COLUMNS):
                pass
        for name in ("first", "again", "again"):
            started = time.perf_counter()
            command = [sys.executable, "-m", "srt_core", "score", str(project), "--student", str(shared / "student")]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            said = done.stdout.splitlines()[0] if done.stdout else done.stderr
            print(f"{name}: {time.perf_counter() - started:.1f} s; {said}", flush=True)


# ---- data


def revisions(shared: Path) -> list[dict[str, str]]:
    """The pairs with a rewrite, shuffled by their content."""
    rows: list[dict[str, str]] = json.loads((shared / "data" / "expert_revisions.json").read_text("utf-8"))
    random.Random(1).shuffle(rows)
    return rows


def both_rewritten(shared: Path, samples: int, seed: int) -> list[list[Pair]]:
    """Four candidates a sample, of pairs whose instruction and response both changed: 12 distinct requests of 16."""
    found = []
    for row in revisions(shared):
        x = [(row[f"{kind} Instruction"], row[f"{kind} Input"]) for kind in ("Raw", "Revised")]
        y = [row[f"{kind} Response"] for kind in ("Raw", "Revised")]
        if x[0] != x[1] and y[0] != y[1] and x[0][0] and x[1][0] and y[0] and y[1]:
            found.append([Pair(x[i][0], y[j], x[i][1]) for i, j in ((0, 0), (0, 1), (1, 0), (1, 1))])
    random.Random(seed).shuffle(found)
    return found[:samples]


def planned(student: Student, samples: Sequence[Sequence[Pair]]) -> Work:
    """Plan all sixteen slots of each sample; those without a target are left out of no sample here."""
    pairs = [pair for sample in samples for pair in sample]
    plans = plan(pairs, TEMPLATE, Convention.ALIGNED, student, min(MAX_LENGTH, student.max_length_limit))
    requests = [slot for each in plans for slot in each.slots if isinstance(slot, LossRequest)]
    assert len(requests) == 16 * len(samples)
    return Work(len(samples), requests)


def write_samples(path: Path, shared: Path, samples: int) -> None:
    """Write samples of four candidates; past the size of the data, pairs come again with a number before them."""
    rows = [row for row in revisions(shared) if row["Raw Instruction"] and row["Raw Response"]]
    with path.open("w", encoding="utf-8") as file:
        for number in range(samples):
            row = rows[number % len(rows)]
            mark = f"{number // len(rows)}. " if number >= len(rows) else ""
            values = {
                "x0": mark + row["Raw Instruction"], "i0": row["Raw Input"], "y0": mark + row["Raw Response"],
                "x1": mark + row["Revised Instruction"], "y1": mark + row["Revised Response"],
            }  # fmt: skip
            file.write(json.dumps(values) + "\n")


def sum_tokens(requests: Iterable[LossRequest]) -> int:
    """Count tokens, each request's own."""
    return sum(len(request.ids) for request in requests)


if __name__ == "__main__":
    main()
