"""What a chat client could reach: asyncio streams that stay open, JSON, and nothing else.

    python -m benchmarks.bare_client [--requests 2000] [--latency 0.05] [--concurrency 8 32 64 128] [--rounds 3]

asks a server of its own that answers after a fixed time, by the bare client, by AsyncOpenAI and by the teacher of this
project, in turn in one process: medians in requests a second. Only ratios within one run can be compared.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import openai

from benchmarks.latency_server import running_latency_server
from srt_core.records import Pair, Stage
from srt_core.reflect.prompts import ParsedReflection, load_prompts, parse_reply
from srt_core.reflect.teacher import Ask, OpenAITeacher

MAX_TOKENS = 2048
KEY = "sk-benchmark-0123456789"

Body = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Run:
    """The replies in the order of the requests, and how long all of them took."""

    replies: list[str]
    seconds: float


async def ask_bare(url: str, bodies: Sequence[Body], concurrency: int) -> Run:
    """Send chat requests over as many connections as may be under way at once, each kept open.

    Raises:
        RuntimeError: an answer with a status other than 200.
    """
    address = urlsplit(url)
    head = f"POST {address.path}/chat/completions HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {KEY}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: "
    left = iter(enumerate(bodies))
    replies = [""] * len(bodies)

    async def work() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for place, body in left:
            data = json.dumps(body).encode()
            writer.write(f"{head}{len(data)}\r\n\r\n".encode() + data)
            replies[place] = await _read_reply(reader)
        writer.close()
        await writer.wait_closed()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(min(concurrency, len(bodies))):
            group.create_task(work())
    return Run(replies, time.perf_counter() - started)


async def _read_reply(reader: asyncio.StreamReader) -> str:
    """Read one answer: the text of its completion."""
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    body = await reader.readexactly(int(headers["content-length"]))
    if status.split()[1] != "200":
        raise RuntimeError(f"{status}: {body[:200]!r}")
    return str(json.loads(body)["choices"][0]["message"]["content"])


async def _at_once(count: int, concurrency: int, ask: Callable[[int], Awaitable[str]]) -> Run:
    """Ask by number, so many at once."""
    left = iter(range(count))
    replies = [""] * count

    async def work() -> None:
        for place in left:
            replies[place] = await ask(place)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())
    return Run(replies, time.perf_counter() - started)


async def ask_openai(url: str, bodies: Sequence[Body], concurrency: int) -> Run:
    """Send the same by the openai package's own client."""
    http_client = openai.DefaultAsyncHttpxClient(trust_env=False)
    async with openai.AsyncOpenAI(api_key=KEY, base_url=url, http_client=http_client) as client:

        async def ask(place: int) -> str:
            completion = await client.chat.completions.create(**bodies[place])  # type: ignore[call-overload]
            return str(completion.choices[0].message.content)

        return await _at_once(len(bodies), concurrency, ask)


async def ask_teacher(url: str, asks: Sequence[Ask], concurrency: int) -> Run:
    """Send the same by the teacher of this project."""
    os.environ["SRT_BENCHMARK_KEY"] = KEY
    teacher = OpenAITeacher(url, "m-1", api_key_variable="SRT_BENCHMARK_KEY", max_tokens=MAX_TOKENS)

    async def ask(place: int) -> str:
        return (await teacher.ask(asks[place])).text or ""

    try:
        return await _at_once(len(asks), concurrency, ask)
    finally:
        await teacher.close()


def reflections(count: int) -> list[Ask]:
    """Make reflection prompts about ordinary pairs."""
    prompts = load_prompts()
    pairs = (
        Pair(f"Describe animal {number} and its home.", f"It has {number} legs. " * 20, "It is small." * (number % 2))
        for number in range(count)
    )
    return [Ask(prompts.messages(Stage.RESPONSE, pair), Stage.RESPONSE, pair) for pair in pairs]


def body_of(ask: Ask) -> Body:
    """Write a question as a chat request."""
    return {"model": "m-1", "messages": list(ask.messages), "temperature": 0.0, "max_tokens": MAX_TOKENS}


def measure(requests: int, latency: float, concurrencies: Sequence[int], rounds: int) -> None:
    """Print a table of requests a second, and of the bare client's rate what the others reach."""
    asks = reflections(requests)
    bodies = [body_of(ask) for ask in asks]
    print(f"{requests:,} reflections of {len(json.dumps(bodies[1])):,} bytes, {latency * 1000:g} ms, requests/s")
    print("at once   ceiling      bare  AsyncOpenAI   teacher  openai/bare  teacher/bare")
    with running_latency_server(latency) as url:
        for concurrency in concurrencies:
            rates: dict[str, list[float]] = {"bare": [], "openai": [], "teacher": []}
            for _ in range(rounds):
                for name, run in (
                    ("bare", asyncio.run(ask_bare(url, bodies, concurrency))),
                    ("openai", asyncio.run(ask_openai(url, bodies, concurrency))),
                    ("teacher", asyncio.run(ask_teacher(url, asks, concurrency))),
                ):
                    check(run, asks)
                    rates[name].append(requests / run.seconds)
            bare, other, ours = (statistics.median(rates[name]) for name in rates)
            ceiling = concurrency / latency if latency else float("inf")
            print(
                f"{concurrency:7} {ceiling:9,.0f} {bare:9,.0f} {other:12,.0f} {ours:9,.0f}"
                f" {other / bare:12.0%} {ours / bare:13.0%}",
                flush=True,
            )


def check(run: Run, asks: Sequence[Ask]) -> None:
    """Make sure that every request has a reply that would be accepted."""
    for text, ask in zip(run.replies, asks, strict=True):
        assert isinstance(parse_reply(ask.stage, text, "stop", ask.pair), ParsedReflection), text[:200]


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bare_client")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[8, 32, 64, 128])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    measure(given.requests, given.latency, given.concurrency, given.rounds)


if __name__ == "__main__":
    main()
