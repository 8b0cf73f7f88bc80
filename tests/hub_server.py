"""A server on loopback that is shaped as the Hugging Face hub is for one data set."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SHA = "3f" * 20


@contextmanager
def hub(name: str, files: Mapping[str, bytes], token: str = "") -> Iterator[str]:
    """Serve the files of a data set, at one revision, to whoever has the token; yields the endpoint."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if token and self.headers.get("Authorization") != f"Bearer {token}":
                self.answer(401, b"{}")
            elif path in (f"/api/datasets/{name}", f"/api/datasets/{name}/revision/v1"):
                self.answer(200, json.dumps({"id": name, "sha": SHA, "siblings": list(map(sibling, files))}).encode())
            elif path.startswith(f"/datasets/{name}/resolve/{SHA}/"):
                self.send_file(files[path.split(f"/resolve/{SHA}/")[1]])
            else:
                self.answer(404, b"{}")

        def send_file(self, content: bytes) -> None:
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            self.answer(206, content[start:])

        def answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None: ...

    def sibling(path: str) -> dict[str, object]:
        return {"rfilename": path, "size": len(files[path]), "blobId": hashlib.sha1(files[path]).hexdigest()}

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
