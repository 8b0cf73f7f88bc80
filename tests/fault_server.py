"""A chat endpoint on 127.0.0.1 that misbehaves on request: the first part of the path says how (tests/servers).

In a process of its own, so that a client can be killed while it lives on:

    python -m tests.fault_server --ledger FILE --mixture 0.3 --latency 0.05

prints its URL and serves until it is ended or its time is over.
"""

import argparse
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.answers import ANSWERS, completion, failure
from tests.servers.ledger import Entry, Ledger, read_ledger
from tests.servers.server import TRANSIENT, WIRE_FAULTS, FaultHandler, FaultServer, Mixture, running

__all__ = [
    "ANSWERS",
    "TRANSIENT",
    "WIRE_FAULTS",
    "Entry",
    "FaultHandler",
    "FaultServer",
    "Ledger",
    "Mixture",
    "completion",
    "failure",
    "read_ledger",
    "running_fault_process",
    "running_fault_server",
]
ROOT = Path(__file__).parent.parent


@contextmanager
def running_fault_server(*, ledger: Path | None = None) -> Iterator[FaultServer]:
    """Run a fault server in a thread for as long as the block lasts."""
    with running(FaultServer(ledger=ledger)) as server:
        yield server


@contextmanager
def running_fault_process(*arguments: str) -> Iterator[str]:
    """Run a fault server in a process of its own for as long as the block lasts; give its URL.

    The ledger is complete once the block has ended.
    """
    command = [sys.executable, "-m", "tests.fault_server", "--until-end-of-input", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    with process:
        try:
            url = process.stdout.readline().strip()
            assert url, "the fault server did not start"
            yield url
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def main() -> None:
    """Serve until the time is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.fault_server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--behaviour", help="the one the printed URL names: teach, or mixture where one is asked for")
    parser.add_argument("--mixture", type=float, default=0.0, help="the probability of a fault")
    parser.add_argument("--faults", default=",".join(TRANSIENT), help="what the mixture draws from, by commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--hold", type=float, help="seconds after which a call without an answer is closed")
    parser.add_argument("--requests-per-minute", type=int)
    parser.add_argument("--replies", type=int, help="calls after which the key is refused")
    parser.add_argument("--honours-schema", action="store_true")
    parser.add_argument("--never-refuses", action="store_true")
    parser.add_argument("--batch-polls", type=int, default=1, help="polls a step of a batch takes")
    parser.add_argument("--batch-seconds", type=float, default=0.0, help="seconds a step of a batch takes")
    parser.add_argument("--seconds", type=float, default=600, help="how long to serve")
    parser.add_argument(
        "--until-end-of-input", action="store_true", help="end with whoever holds the input's other end"
    )
    given = parser.parse_args()
    server = FaultServer(port=given.port, ledger=given.ledger)
    server.mixture = Mixture(given.mixture, tuple(given.faults.split(",")), given.seed)
    server.delay_seconds, server.hold_seconds = given.latency, given.hold
    server.requests_per_minute = given.requests_per_minute or server.requests_per_minute
    server.replies_left = server.replies_left if given.replies is None else given.replies
    server.honours_schema, server.refuses = given.honours_schema, not given.never_refuses
    server.batches.polls_per_step, server.batches.seconds_per_step = given.batch_polls, given.batch_seconds
    with running(server):
        print(server.url(given.behaviour or ("mixture" if given.mixture else "teach")), flush=True)
        over = threading.Event()
        if given.until_end_of_input:
            threading.Thread(target=_read_to_end, args=(over,), daemon=True).start()
        over.wait(given.seconds)


def _read_to_end(over: threading.Event) -> None:
    """Note the end of standard input."""
    while os.read(0, 1024):
        pass
    over.set()


if __name__ == "__main__":
    main()
