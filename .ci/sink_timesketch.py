"""Timesketch's own importer takes every line of both of its forms, and refuses one that lacks a field.

Usage: sink_timesketch.py FOLDER (with the server's sources on PYTHONPATH)
"""

import csv
import io
import json
import sys
from pathlib import Path

from timesketch.lib import utils


def check(folder):
    path = folder / "timesketch"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(encoding="utf-8") as file:
        taken = list(utils.read_and_validate_jsonl(file))
    assert len(taken) == len(lines), f"{len(taken)} of {len(lines)} lines"
    for ours, theirs in zip(lines, taken):
        for field in ["message", "datetime", "timestamp", "timestamp_desc", "tag"]:
            assert theirs[field] == ours[field], f"{field}: {theirs[field]!r} is not {ours[field]!r}"

    path = folder / "timesketch-csv"
    with path.open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(utils.read_and_validate_csv(file))
    assert len(rows) == len(cells) == len(lines), f"{len(rows)} of {len(cells)} rows, {len(lines)} lines"
    for ours, theirs in zip(lines, rows):
        # It makes the microseconds anew from the text of the time.
        assert abs(theirs["timestamp"] - ours["timestamp"]) <= 1, f"{theirs['timestamp']} is not {ours['timestamp']}"
        assert theirs["tag"] == ours["tag"], f"{theirs['tag']} is not {ours['tag']}"
    return len(lines)


def refuses():
    try:
        list(utils.read_and_validate_jsonl(io.StringIO('{"message": "x", "datetime": "2026-03-04T08:15:00Z"}\n')))
    except RuntimeError as error:
        assert "timestamp_desc" in str(error)
    else:
        raise AssertionError("a line without timestamp_desc is taken: this proves nothing")


refuses()
for folder in sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_dir()):
    print(f"Timesketch's importer, {folder.name}: {check(folder)} events, as JSON Lines and as CSV")
