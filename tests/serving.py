"""An independent peer: `transformers serve` over a tiny random Llama with a chat template, in a process of its own.

It is a server that somebody else wrote, with ways of its own (shared notes, STACK.md section 3.2): it ignores
`response_format`, and takes a prompt longer than its model was made for.
"""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.tiny_students import byte_tokenizer, save, tiny_llama

START_SECONDS = 120
CHAT_TEMPLATE = (
    "{% for message in messages %}### {{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}### assistant:{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Serving:
    """A running server: its base URL and the name its model goes by."""

    url: str
    model: str
    positions: int


def save_chat_model(folder: Path, *, positions: int = 512) -> Path:
    """Save a random Llama of two layers with a tokenizer that has a chat template."""
    tokenizer = byte_tokenizer(has_bos=True)
    tokenizer.chat_template = CHAT_TEMPLATE
    return save(folder, tiny_llama(len(tokenizer), positions=positions), tokenizer)


@contextmanager
def running_serving(folder: Path, *, positions: int = 512, model: Path | None = None) -> Iterator[Serving]:
    """Run `transformers serve` for as long as the block lasts; its log, and a model where none is given, are kept.

    Raises:
        RuntimeError: the server ended, or did not answer in time; with the end of its log.
    """
    model = model or save_chat_model(folder / "model", positions=positions)
    port = _free_port()
    # The command beside this interpreter, whatever the path says.
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(model)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    log_path = folder / "serve.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_healthy(process, port, log_path)
        yield Serving(f"http://127.0.0.1:{port}/v1", str(model), positions)
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int, log_path: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _is_healthy(port):
            return
        time.sleep(0.1)
    log = log_path.read_text("utf-8", errors="replace")[-4000:]
    raise RuntimeError(f"transformers serve does not answer (exit code {process.poll()}):\n{log}")


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
