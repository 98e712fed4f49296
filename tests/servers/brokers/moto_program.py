"""moto's server, which takes what it was sent before its end for sent again: ``moto_program.py PORT FILE``."""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# What was received and deleted is not done again: whoever reads after a restart finds it a second time.
NOT_AGAIN = ("ReceiveMessage", "DeleteMessage", "GetQueueUrl")


def main(port: int, file: Path) -> None:
    """Serve until killed."""
    os.environ["MOTO_RECORDER_FILEPATH"] = str(file)
    from moto.moto_api import recorder
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple
    from werkzeug.test import Client

    application: Any = DomainDispatcherApplication(create_backend_app)
    client = Client(application)
    for line in file.read_text().splitlines() if file.exists() else ():
        replay(client, json.loads(line), f"http://127.0.0.1:{port}")
    recorder.start_recording()
    run_simple("127.0.0.1", port, application, threaded=True)


def replay(client: Any, entry: dict[str, Any], server: str) -> None:
    """Send one request again."""
    headers = {name.title(): value for name, value in entry["headers"].items()}
    if any(name in headers.get("X-Amz-Target", "") for name in NOT_AGAIN):
        return
    body = base64.b64decode(entry["body"]) if entry.get("body_encoded") else entry["body"]
    path = urlsplit(entry["url"]).path or "/"
    client.open(path, base_url=server, method=entry["method"], headers=headers, data=body)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
