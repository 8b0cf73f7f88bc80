"""An independent server of real teachers' ways, where SRT_SHARED names it: what is stored is what it meant."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from srt_core.errors import TeacherStopError
from srt_core.project.store import Store
from srt_core.reflect.run import Plan, reflect
from tests.reflecting import PROMPTS, project, teacher_at

CASES = Path(os.environ.get("SRT_SHARED", "")) / "cases" / "teachers"
pytestmark = pytest.mark.skipif("SRT_SHARED" not in os.environ, reason="SRT_SHARED names no folder of shared cases")

ALL = 6
"""Rewrites of two pairs."""
USED: Mapping[str, int] = {
    # settings: how many requests are refused before the first reply
    "gpt5": 2, "kimi": 1, "litellm_params": 1, "max_tokens_range": 1, "no_system_role": 1, "qwen_nonstream": 1,
    "stream_only": 1, "deepseek_r1": 1, "rf_lmstudio": 1, "rf_422": 1,
    # shapes and thoughts
    "sse_anyway": 0, "answer_in_reasoning": 0, "magistral": 0, "parts": 0, "tool_call": 0, "think_json": 0,
    "think_headless": 0, "think_empty": 0, "harmony": 0, "scratchpad": 0, "seed_think": 0, "json_fenced": 0,
    "rf_ignored_headings": 0, "json_wrapped": 0, "in_properties": 0, "trailing_comma": 0, "json_string": 0, "camel": 0,
    "finish_eos": 0, "finish_null": 0, "usage_null": 0, "xml_fence": 0, "special_tokens": 0, "leading_space": 0,
}  # fmt: skip
"""Teachers whose every reply can be used, and the requests that they refuse at first."""
REFUSED: Mapping[str, str] = {
    "budget_thought": "thought_only", "json_cut_stop": "cut_off", "json_cut_closed": "cut_off", "loop": "cut_off",
    "preface": "meta_remark", "talks_of_original": "meta_remark", "loop_closed": "repetition", "empty": "empty_reply",
    "refusal_text": "declined", "refusal_field": "declined", "azure_partial": "content_filter",
    "value_objects": "schema_echo", "chinese_keys": "other_keys",
}  # fmt: skip
"""Teachers whose replies cannot be used, and why."""
CONSTANT: Mapping[str, str] = {"double_escaped": "line_breaks", "special_token_inside": "end_token", "raw_newlines": "",
                               "python_literal": "", "smart_quotes": "", "unescaped_quotes": "open_quotes"}  # fmt: skip
"""Teachers that write the same response whatever they are asked, and the rule by which it is cleaned."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The server: where it is, and the log of what a right client would store."""

    port: int
    log: Path

    def requests(self, case: str) -> list[dict[str, object]]:
        """Read what was asked in a case."""
        lines = map(json.loads, self.log.read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line["case"] == case]

    def meant(self, case: str) -> set[str]:
        """Read every text that a right client may store."""
        return {text for line in self.requests(case) for text in (line["expect"] or {}).values()}  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("peer") / "log.jsonl"
    with subprocess.Popen([sys.executable, str(CASES / "server.py"), str(port), str(log)]) as process:
        try:
            yield Peer(port, _answering(port, log))
        finally:
            process.terminate()


def _answering(port: int, log: Path) -> Path:
    """Wait until somebody listens at the port."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return log
        time.sleep(0.02)
    raise AssertionError("the server of shared cases did not start")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    pairs = json.loads((CASES / "pairs.json").read_text(encoding="utf-8"))
    with project(tmp_path / "p.srt", [pairs[1], pairs[3]]) as store:
        yield store


def reflected(store: Store, peer: Peer, case: str) -> list[dict[str, object]]:
    """Reflect with the teacher of a case; return what became of each candidate, with its texts."""
    for _ in reflect(store, teacher_at(f"http://127.0.0.1:{peer.port}/{case}/v1", "teacher"), PROMPTS, Plan()):
        pass
    stored = store.rows("SELECT origin, instruction, response FROM candidate WHERE origin <> 'ORIGINAL'")
    texts = {row["response"] for row in stored} | {
        row["instruction"] for row in stored if row["origin"] == "INSTRUCTION"
    }
    assert texts <= peer.meant(case)
    return store.rows(
        """SELECT sample_id, origin, arg_max(status, reflection_id) AS status, arg_max(reason, reflection_id) AS reason
           FROM reflection GROUP BY ALL"""
    )


@pytest.mark.parametrize("case", USED)
def test_every_reply_that_was_meant_is_stored(store: Store, peer: Peer, case: str) -> None:
    """All rewrites are accepted, their texts are the server's, and a refused setting cost one request."""
    found = reflected(store, peer, case)
    assert [row["status"] for row in found] == ["accepted"] * ALL
    assert len(peer.requests(case)) == ALL + USED[case]


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_for_its_reason(store: Store, peer: Peer, case: str) -> None:
    """Nothing is stored of a reply that is cut off, withheld, empty, or about itself."""
    assert {(row["status"], row["reason"]) for row in reflected(store, peer, case)} == {("refused", REFUSED[case])}


@pytest.mark.parametrize("case", CONSTANT)
def test_what_is_cleaned_is_what_was_meant(store: Store, peer: Peer, case: str) -> None:
    """A text that was put right equals what the server meant, and the rule stands with it; a second one is no news."""
    found = {(row["origin"], row["status"], row["reason"]) for row in reflected(store, peer, case)}
    assert found == {
        ("INSTRUCTION", "accepted", CONSTANT[case]),
        ("RESPONSE", "accepted", CONSTANT[case]),
        ("BOTH", "refused", "unchanged"),
    }


def test_a_context_that_is_too_short_changes_no_setting(store: Store, peer: Peer) -> None:
    """Where prompt and reply together do not fit, that is said of each request, and each is made once."""
    with_no_room = reflected(store, peer, "small_context")
    assert {(row["status"], row["reason"]) for row in with_no_room} == {("failed", "too_long")}
    assert len(peer.requests("small_context")) == len(with_no_room)


PASSING = (
    "limit_odd_headers",
    "overloaded",
    "loading",
    "cloudflare_524",
    "deepseek_interrupted",
    "redirect",
    "groq_json",
)
"""Teachers in a moment's trouble: a limit, a model that loads, a reply that broke off, JSON that went wrong."""
STOPPING: Mapping[str, str] = {
    "no_balance": "the account is empty", "credit_low": "the account is empty", "balance_403": "the account is empty",
    "region_403": "this country", "key_echo": "refuses the key", "ollama_no_model": "does not know the model",
    "login_page": "a web page titled 'Sign in'",
}  # fmt: skip
"""Teachers that answer nobody, and what is said of it."""


@pytest.mark.parametrize("case", PASSING)
def test_what_passes_is_waited_for(store: Store, peer: Peer, case: str) -> None:
    """Every rewrite comes in the end, and as the server meant it."""
    assert [row["status"] for row in reflected(store, peer, case)] == ["accepted"] * ALL


@pytest.mark.parametrize("case", STOPPING)
def test_what_no_wait_mends_ends_the_run_at_the_first_call(store: Store, peer: Peer, case: str) -> None:
    """An empty account by any status, a blocked country, a key, a model, a login page: one call and one sentence."""
    with pytest.raises(TeacherStopError) as error:
        reflected(store, peer, case)
    assert STOPPING[case] in error.value.message
    assert error.value.hint
    assert len(peer.requests(case)) == 1
    assert store.value("SELECT count(*) FROM reflection") == 0
