#!/usr/bin/env python3
"""Does anything take longer than its records are many? python3 scripts/crowds.py WAY [CASE...]

The rows of each generated case (under target/corpus: cargo run -p whyrdp-corpus -- generate) are written again and again,
8,000 and 24,000 of them, and judged. Told are the seconds that both took; `!!` stands behind those that took more than
five times as long for three times the rows.

WAY: what copies share with what they are copied from.
  same     all, so that they belong to one connection
  back     all but the time: each copy is three seconds before the one before it
  moment   the time: connections, ports and sessions of their own
  apart    nothing: three seconds behind each other as well
  many     as apart, from a thousand clients
  fleet    the time and the users: computers, addresses and inputs of their own
"""

import datetime
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time

WHYRDP = "target/release/whyrdp"
CASES = "target/corpus"
SIZES = 8_000, 24_000
SECOND = 10_000_000
EPOCH = datetime.datetime(1970, 1, 1)


def moved(text, ticks):
    whole, parts = text.rstrip("Z").split(".")
    seconds = int((datetime.datetime.fromisoformat(whole) - EPOCH).total_seconds())
    seconds, parts = divmod(seconds * SECOND + int(parts) + ticks, SECOND)
    return f"{(EPOCH + datetime.timedelta(seconds=seconds)).isoformat()}.{parts:07}Z"


def another_port(text, number):
    found = re.fullmatch(r"(|.*[:\]])(\d{5})", text)
    if not found or int(found[2]) < 40_000:
        return text
    return f"{found[1]}{40_000 + (int(found[2]) + number) % 25_000}"


def copied(row, number, way):
    row = dict(row, ref=hashlib.md5(f"{row['ref']}{number}".encode()).hexdigest())
    row["source"] = dict(row["source"], offset=row["source"].get("offset", 0) + number * 1_000_000)
    if "record_id" in row:
        row["record_id"] += number * 1000
    steps = {"back": -3, "apart": 3, "many": 3}
    if "time" in row and way in steps:
        row["time"] = moved(row["time"], number * steps[way] * SECOND)
    if way in ("moment", "apart", "many", "fleet"):
        if "activity_id" in row:
            name = hashlib.md5(f"{row['activity_id']}{number}".encode()).hexdigest().upper()
            row["activity_id"] = f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"
        row["fields"] = [[name, another_port(value, number)] for name, value in row.get("fields", [])]
    text = json.dumps(row)
    if way == "many":
        client = number % 1000
        text = text.replace("10.1.7.", f"10.{client // 250 + 1}.{client % 250}.").replace("PC17", f"PC{client:04}")
    return text


def renamed(text, number, names):
    """The same of other computers, in inputs of their own."""
    text = names.sub(lambda name: f"{name[0]}X{number}", text)
    text = re.sub(r"\b10\.\d+\.(\d+\.\d+)\b", lambda ip: f"{11 + number // 256}.{number % 256}.{ip[1]}", text)
    return re.sub(r'"path": "([^"]*)"', lambda path: f'"path": "{number}/{path[1]}"', text)


def seconds(evidence, others, size, way):
    called = {row["computer"] for row in evidence} | {name for row in others for name in row.get("machine", {}).get("names", [])}
    names = {re.escape(name.split(".")[0]) for name in called if name}
    names = re.compile(rf"\b({'|'.join(sorted(names))})\b" if names else "(?!)", re.IGNORECASE)
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as rows:
        for number in range(max(1, size // len(evidence))):
            copies = (copied(row, number, way) for row in evidence)
            if way == "fleet":
                copies = (renamed(text, number, names) for text in itertools.chain(copies, map(json.dumps, others)))
            rows.writelines(copy + "\n" for copy in copies)
        if way != "fleet":
            rows.writelines(json.dumps(row) + "\n" for row in others)
        rows.flush()
        start = time.monotonic()
        told = subprocess.run([WHYRDP, "correlate", "-q", "--format", "json", rows.name], stdout=subprocess.DEVNULL)
        if told.returncode not in (0, 1, 2, 3):
            sys.exit(f"ended with code {told.returncode}")
        return time.monotonic() - start


def main(way, cases):
    for case in cases or sorted(os.listdir(CASES)):
        found = subprocess.run([WHYRDP, "scan", "-q", f"{CASES}/{case}"], capture_output=True, text=True, check=False)
        rows = [json.loads(line) for line in found.stdout.splitlines()]
        evidence = [row for row in rows if row["row"] == "evidence"]
        if not evidence:
            continue
        others = [row for row in rows if row["row"] != "evidence"]
        few, many = (seconds(evidence, others, size, way) for size in SIZES)
        print(f"{way} {case} {few:.2f} {many:.2f}{' !!' if many > 0.5 and many > 5 * few else ''}", flush=True)


if len(sys.argv) < 2 or sys.argv[1] not in ("same", "back", "moment", "apart", "many", "fleet"):
    sys.exit(__doc__)
main(sys.argv[1], sys.argv[2:])
