"""A server that is shaped as the Hugging Face hub is where data sets are made and pushed to; for a process of its own.

    python -m tests.push_hub FILE

It writes its port to FILE, answers until its input ends, and holds everything in memory. `secret` may write to what is
of `kitchen`, `reader` may write to nothing, and who has no token sees public data sets alone.
"""

import base64
import hashlib
import json
import os
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

OWNER, TOKEN, READER = "kitchen", "hf_secret_of_the_kitchen", "hf_reader"
_PATH_DEPTH = 2


@dataclass
class Held:
    """A data set: its files at its one revision."""

    is_private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    sha: str = "0" * 40


DATASETS: dict[str, Held] = {}
OBJECTS: dict[str, bytes] = {}


class Handler(BaseHTTPRequestHandler):
    """Answers what huggingface_hub and datasets ask."""

    protocol_version = "HTTP/1.1"

    @property
    def token(self) -> str:
        return str(self.headers.get("Authorization", "")).removeprefix("Bearer ")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        parts = path.strip("/").split("/")
        if self.token and self.token not in (TOKEN, READER):
            self.answer(401, {"error": "Invalid credentials"})
        elif path == "/api/repos/create":
            self.create(json.loads(body))
        elif path == "/api/validate-yaml":
            self.answer(200, {"errors": [], "warnings": []})
        elif path.endswith("/info/lfs/objects/batch"):
            self.batch(json.loads(body))
        elif parts[:2] == ["api", "datasets"]:
            self.of_dataset("/".join(parts[2:4]), parts[4], body)
        else:
            self.answer(404, {"error": "no such place"})

    def create(self, asked: dict[str, Any]) -> None:
        name = f"{asked.get('organization') or OWNER}/{asked['name']}"
        if self.token != TOKEN or not name.startswith(f"{OWNER}/"):
            self.answer(403, {"error": f"You don't have the rights to create {name}"})
        elif name in DATASETS:
            self.answer(409, {"error": "You already created this dataset repo"})
        else:
            DATASETS[name] = Held(is_private=bool(asked.get("private") or asked.get("visibility") == "private"))
            self.answer(200, {"url": f"{self.base}/datasets/{name}", "id": name})

    def of_dataset(self, name: str, what: str, body: bytes) -> None:
        held = DATASETS.get(name)
        if held is None or (held.is_private and self.token != TOKEN):
            self.answer(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        elif what == "preupload":
            modes = [{"path": each["path"], "uploadMode": "lfs" if each["path"].endswith(".parquet") else "regular",
                      "shouldIgnore": False, "oid": None} for each in json.loads(body)["files"]]  # fmt: skip
            self.answer(200, {"files": modes})
        elif what == "commit":
            if name.endswith("/cut"):  # a connection that is lost
                self.close_connection = True
                self.connection.close()
                return
            self.commit(name, held, [json.loads(line) for line in body.splitlines() if line.strip()])
        elif what == "paths-info":
            self.answer(200, [entry(path, held) for path in asked_paths(body) if path in held.files])
        else:
            self.answer(404, {"error": "no such place"})

    def commit(self, name: str, held: Held, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                held.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                held.files[value["path"]] = OBJECTS[value["oid"]]
            elif line["key"] == "deletedFile":
                del held.files[value["path"]]
        held.sha = hashlib.sha1(repr(sorted(held.files.items())).encode()).hexdigest()
        self.answer(200, {"commitUrl": f"{self.base}/datasets/{name}/commit/{held.sha}", "commitOid": held.sha,
                          "success": True, "hookOutput": ""})  # fmt: skip

    def batch(self, asked: dict[str, Any]) -> None:
        objects = [{"oid": each["oid"], "size": each["size"], "actions": {"upload": {
            "href": f"{self.base}/put/{each['oid']}", "header": {}}}} for each in asked["objects"]]  # fmt: skip
        self.answer(200, {"transfer": "basic", "objects": objects})

    def do_PUT(self) -> None:
        OBJECTS[self.path.rsplit("/", 1)[-1]] = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, {})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        is_api = parts[0] == "api"
        place = parts[2:] if is_api else parts[1:]
        name = "/".join(place[:_PATH_DEPTH])
        held = DATASETS.get(name)
        if held is None or (held.is_private and self.token != TOKEN):
            self.answer(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        elif is_api and place[2:3] in ([], ["revision"]):
            siblings = [{"rfilename": path} for path in held.files]
            self.answer(200, {"id": name, "sha": held.sha, "private": held.is_private, "siblings": siblings,
                              "disabled": False, "gated": False, "downloads": 0, "likes": 0, "tags": []})  # fmt: skip
        elif is_api and place[2] == "tree":
            self.answer(200, [entry(path, held) for path in held.files])
        elif not is_api and place[2] == "resolve":
            self.send_file(held, "/".join(place[4:]))
        else:
            self.answer(404, {"error": "no such place"}, {"X-Error-Code": "EntryNotFound"})

    def send_file(self, held: Held, path: str) -> None:
        if path not in held.files:
            self.answer(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": held.sha})
            return
        content = held.files[path]
        known = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": held.sha, "Accept-Ranges": "bytes"}
        first = str(self.headers.get("Range", "")).removeprefix("bytes=").partition("-")[0]
        self.send(206 if first else 200, content[int(first or 0) :], known)

    @property
    def base(self) -> str:
        return f"http://{self.headers['Host']}"

    def answer(self, status: int, said: object, headers: dict[str, str] | None = None) -> None:
        self.send(status, json.dumps(said).encode(), {"Content-Type": "application/json", **(headers or {})})

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        if os.environ.get("PUSH_HUB_LOG"):
            print(format % args, file=sys.stderr)


def entry(path: str, held: Held) -> dict[str, object]:
    """What the hub says of a file."""
    content = held.files[path]
    return {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}


def asked_paths(body: bytes) -> list[str]:
    """The paths that a form asks for."""
    from urllib.parse import parse_qs

    found = json.loads(body)["paths"] if body.startswith(b"{") else parse_qs(body.decode()).get("paths", [])
    return [found] if isinstance(found, str) else list(found)


def main(file: Path) -> None:
    """Serve until the input ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        file.write_text(str(server.server_address[1]))
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
