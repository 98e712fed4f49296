"""An endpoint that speaks SQS's protocol and fails for the messages that a test names."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

QUEUE = "http://127.0.0.1/123456789012/orders.fifo"


class Amazon:
    """``calls`` are the bodies of each call; ``failing`` gives the code that a body fails with."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.failing: dict[str, str] = {}
        self.error: tuple[int, str] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, words: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.error:
            status, code = self.error
            return status, {"__type": f"com.amazonaws.sqs#{code}", "message": "as the test wants it"}
        reply: dict[str, list[dict[str, Any]]] = {"Successful": [], "Failed": []}
        self.calls.append([entry["MessageBody"] for entry in words["Entries"]])
        for entry in words["Entries"]:
            if code := self.failing.get(entry["MessageBody"], ""):
                reply["Failed"].append({"Id": entry["Id"], "Code": code, "SenderFault": True})
            else:
                reply["Successful"].append({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""})
        return 200, reply

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        amazon = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status, reply = amazon.answer(json.loads(body))
                answer = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(answer)))
                self.send_header("content-type", "application/x-amz-json-1.0")
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler
