"""rsyslog receives ECS documents over TCP on this machine, parses each, and has every value of it.

Usage: sink_rsyslog.py FOLDER SCRATCH
"""

import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

CONFIG = """
global(workDirectory="{scratch}" maxMessageSize="1m" parser.escapeControlCharactersOnReceive="off")
module(load="imptcp")
module(load="mmjsonparse")
template(name="whole" type="string" string="%$!all-json%\\n")
template(name="some" type="list") {{
    property(name="$!event!id") constant(value="\\t")
    property(name="$!event!kind") constant(value="\\t")
    property(name="$!host!name") constant(value="\\t")
    property(name="$!winlog!event_id") constant(value="\\n")
}}
ruleset(name="whyrdp") {{
    action(type="mmjsonparse" cookie="" useRawMsg="on")
    if $parsesuccess == "OK" then {{
        action(type="omfile" file="{scratch}/whole" template="whole")
        action(type="omfile" file="{scratch}/some" template="some")
    }} else {{
        action(type="omfile" file="{scratch}/refused")
    }}
}}
input(type="imptcp" address="127.0.0.1" port="{port}" ruleset="whyrdp" maxFrameSize="1048576")
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(port, server):
    for _ in range(200):
        assert server.poll() is None, f"rsyslogd ended with {server.returncode}"
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.05)
    raise AssertionError("rsyslogd does not listen")


def received(path, wanted):
    """Lines of a file, as soon as it has so many or no more come."""
    count, quiet = -1, 0
    while quiet < 100:
        lines = path.read_bytes().splitlines() if path.exists() else []
        if len(lines) >= wanted:
            return lines
        quiet = 0 if len(lines) != count else quiet + 1
        count = len(lines)
        time.sleep(0.1)
    return lines


def check(folder, scratch):
    stream = (folder / "ecs").read_bytes()
    assert stream.endswith(b"\n"), "the last document has no line break"
    sent = [json.loads(line) for line in stream.splitlines()]
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    port = free_port()
    config = scratch / "rsyslog.conf"
    config.write_text(CONFIG.format(scratch=scratch.resolve(), port=port), encoding="utf-8")
    server = subprocess.Popen(["rsyslogd", "-n", "-f", str(config), "-i", str(scratch.resolve() / "pid")])
    try:
        with connect(port, server) as client:
            client.sendall(stream)
            client.shutdown(socket.SHUT_WR)
        whole = received(scratch / "whole", len(sent))
    finally:
        server.terminate()
        server.wait(timeout=60)
    refused = scratch / "refused"
    assert not refused.exists(), f"refused: {refused.read_text(encoding='utf-8')[:500]}"
    taken = [json.loads(line) for line in whole]
    assert len(taken) == len(sent), f"{len(taken)} of {len(sent)} documents"
    key = lambda document: json.dumps(document, sort_keys=True)
    for ours, theirs in zip(sorted(sent, key=key), sorted(taken, key=key)):
        assert ours == theirs, f"{key(ours)}\nis not\n{key(theirs)}"
    some = sorted((scratch / "some").read_text(encoding="utf-8").splitlines())
    cells = lambda d: [d["event"].get("id"), d["event"]["kind"], d.get("host", {}).get("name"), d.get("winlog", {}).get("event_id")]
    expected = sorted("\t".join(cell or "" for cell in cells(document)) for document in sent)
    assert some == expected, [pair for pair in zip(some, expected) if pair[0] != pair[1]][:3]
    return len(sent)


version = subprocess.run(["rsyslogd", "-v"], capture_output=True, text=True, check=True).stdout.split(maxsplit=2)[1]
for folder in sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_dir()):
    print(f"rsyslog {version}, {folder.name}: {check(folder, Path(sys.argv[2]))} ECS documents, every value arrived")
