"""Wrong addresses, certificates and models: each ends a run at the first call and says what to change."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.errors import TeacherStopError
from srt_core.project.store import Store
from srt_core.reflect.teacher import models_at
from srt_core.reflect.teacher.address import read_address
from tests.fault_server import ANSWERS, FaultServer, running_fault_server
from tests.reflecting import outcomes, project, run
from tests.servers.answers import answer, raw
from tests.servers.tls import running_tls_server, self_signed

SAMPLES = 4
PAGE = b"<!doctype html><html><head><title>Open WebUI</title></head><body></body></html>"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running_fault_server() as server:
        server.refuses = False
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with project(tmp_path / "p.srt", SAMPLES) as store:
        yield store


def stopped(store: Store, url: str) -> TeacherStopError:
    """Run until the error that ends the run, which counts against no sample."""
    with pytest.raises(TeacherStopError) as error:
        run(store, url)
    assert outcomes(store) == []
    assert store.value("SELECT count(*) FROM teacher_call") == 1
    return error.value


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("", "Most servers answer under /v1"),
        ("/v1/v1", "the same version twice"),
        ("/openai/deployments/mine?api-version=2024-06-01", "NAME.openai.azure.com/openai/v1"),
    ],
)
def test_an_address_without_an_endpoint_says_what_it_lacks(
    store: Store, server: FaultServer, end: str, said: str
) -> None:
    """Where the server has no chat endpoint at an address, the hint says what an address of that shape mostly lacks."""
    error = stopped(store, server.url("teach").removesuffix("/v1") + end)
    assert "has no chat completions at this address" in error.message
    assert said in error.hint


@pytest.mark.parametrize("end", ["/chat/completions", "/chat/completions/", "/models", "/", "?api-version=2024-06-01"])
def test_a_pasted_endpoint_is_understood(store: Store, server: FaultServer, end: str) -> None:
    """An address with the endpoint, a slash or Azure's version at its end is the address that was meant."""
    run(store, server.url("teach") + end)
    assert len(outcomes(store)) == 3 * SAMPLES


def test_a_version_goes_with_every_request() -> None:
    """Azure's version stands behind the endpoint, whether the endpoint was pasted or not; another query is refused."""
    meant = "https://name.openai.azure.com/openai/deployments/mine/chat/completions?api-version=2024-06-01"
    assert read_address(meant).endpoint("chat/completions") == meant
    with pytest.raises(TeacherStopError, match="more than an address"):
        read_address("https://name.openai.azure.com/openai?api-version=1&code=secret")


NO_ENDPOINT = {
    "app": (raw(PAGE, "text/html"), "a web page titled 'Open WebUI'"),
    "lm_studio": (
        answer(200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}), "Unexpected endpoint",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_ENDPOINT)
def test_what_is_no_endpoint_is_told_at_the_first_call(
    store: Store, server: FaultServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A web page and an error in place of a completion, though they come as a success, end the run at once."""
    given, said = NO_ENDPOINT[name]
    monkeypatch.setitem(ANSWERS, "odd", lambda _call: given)
    assert said in stopped(store, server.url("odd")).message


def test_a_page_amid_replies_is_a_moments_trouble(store: Store, server: FaultServer) -> None:
    """Once the teacher has answered, a web page in place of a reply is tried again and fails no sample."""
    run(store, server.url("teach,html_200,teach"))
    assert {row["status"] for row in outcomes(store)} == {"accepted"}


# ---- TLS


def test_a_certificate_of_ones_own_is_trusted_by_its_file(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A self-signed certificate ends the run with the variable to set; with it every reply comes, on loopback too."""
    certificate = self_signed(tmp_path)
    with running_tls_server(certificate) as server:
        url = server.url("teach").replace("http:", "https:")
        error = stopped(store, url)
        assert "certificate that this machine does not trust" in error.message
        assert "SSL_CERT_FILE" in error.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        server.refuses = False
        run(store, url)
    assert len(outcomes(store)) == 3 * SAMPLES


def test_a_certificate_for_another_name_is_no_matter_of_trust(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the certificate is for another host the hint is about the name."""
    certificate = self_signed(tmp_path, host="127.0.0.9")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running_tls_server(certificate) as server:
        assert "as the certificate names it" in stopped(store, server.url("teach").replace("http:", "https:")).hint


def test_certificates_that_cannot_be_read_are_named(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE with no file of certificates is told before any call."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(TeacherStopError, match="SSL_CERT_FILE"):
        run(store, "https://127.0.0.1:9/v1")


def test_http_and_https_are_told_apart(tmp_path: Path, store: Store, server: FaultServer) -> None:
    """http at a port that speaks TLS and https at one that does not each end the run with the other."""
    with running_tls_server(self_signed(tmp_path)) as secure:
        assert stopped(store, secure.url("teach")).hint == "Begin the address with https://."
    store_calls = store.value("SELECT count(*) FROM teacher_call")
    with pytest.raises(TeacherStopError) as error:
        run(store, server.url("teach").replace("http:", "https:"))
    assert error.value.hint == "Begin the address with http://."
    assert (store_calls, store.value("SELECT count(*) FROM teacher_call")) == (1, 2)


# ---- the list of models


def test_a_list_of_models_is_asked_for_without_a_key(server: FaultServer) -> None:
    """The names that a server lists come in its order; where nobody answers the problem is a sentence."""
    server.models = ["b", "a"]
    assert models_at(server.url("teach")).names == ("b", "a")
    assert models_at("http://127.0.0.1:9/v1").problem
    found = models_at("https://api.openai.com/v1")
    assert found.wants_key and not found.names
