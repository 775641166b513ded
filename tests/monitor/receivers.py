"""Receivers on loopback that keep what they get."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """An HTTP receiver; `answers` are the statuses of the next requests, then `status`."""

    def __init__(self, status: int = 200, answers: tuple[int, ...] = (), port: int = 0) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.tries = 0
        answers_left = list(answers)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.tries += 1
                code = answers_left.pop(0) if answers_left else status
                if code < 300:
                    outer.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(code)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def bodies(self) -> list[dict]:
        return [json.loads(body) for _, _, body in self.got]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
