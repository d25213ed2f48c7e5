#!/usr/bin/env python3
"""Seeds for the fuzz targets: python3 scripts/fuzz_seeds.py WHYRDP CORPUS_LOGS OUT [REAL_FILES...]

WHYRDP is the program, CORPUS_LOGS what `whyrdp-corpus generate` wrote, OUT the folder of seeds
(one folder a target), REAL_FILES further logs and traces. Only the standard library is needed.
"""

import hashlib
import json
import pathlib
import re
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHUNK, HEADER, LARGEST = 65536, 4096, 1 << 18
# Records of one seed of rows, and seeds of one case; entries of each long part of a report.
ROWS, PIECES, ENTRIES = 80, 4, 24
KINDS = [("rules", 0), ("causes", 1), ("codes", 2), ("events", 4), ("dialogs", 5), ("claims", 6)]


def keep(folder, data):
    if data:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def records(chunk):
    at = 512
    while chunk[at : at + 4] == b"**\0\0":
        size = struct.unpack_from("<I", chunk, at + 4)[0]
        if size < 28 or at + size > len(chunk):
            return
        yield chunk[at + 24 : at + size - 4]
        at += size


def log(data, out, most):
    keep(out / "evtx", data[: HEADER + CHUNK])
    for start in range(HEADER, min(len(data), HEADER + most * CHUNK), CHUNK):
        # The first record's templates stand where the target puts them too.
        for binxml in list(records(data[start : start + CHUNK]))[:1]:
            keep(out / "binxml", binxml)


def tracelogging(body, start):
    """Schema and payload of the event at an offset, if it brings a schema along."""
    if start < 0 or start + 0x58 > len(body) or not body[start + 4] & 1:
        return None
    length, item, schema, more = struct.unpack_from("<H", body, start)[0], start + 0x50, b"", True
    while more and item + 8 <= len(body):
        size, kind, more, data = struct.unpack_from("<HHHH", body, item)
        schema = body[item + 8 : item + 8 + data] if kind == 11 else schema
        item += max(size, 8)
    return schema and len(schema) < 4000 and struct.pack("<H", len(schema)) + schema + body[item : start + length]


def trace(data, out):
    keep(out / "etl", data[:LARGEST])
    at, made = 0, 0
    while at + 0x48 <= len(data) and made < 20:
        size, end, flags = (struct.unpack_from(form, data, at + off)[0] for form, off in (("<I", 0), ("<I", 0x30), ("<H", 0x34)))
        if not 0x48 <= size <= len(data):
            return
        body = data[at + 0x48 : at + size]
        if flags & 0x40:
            keep(out / "xpress", struct.pack("<H", min(end - 0x48, 65535)) + body[:20000])
            made += 1
        else:
            for event in re.finditer(rb"[\x12\x13]\xc0", body[:20000]):
                seed = tracelogging(body, event.start() - 2)
                if seed:
                    keep(out / "tracelogging", seed)
                    made += 1
        at += size


def capture(data, out):
    """A classic capture as it is, and its frames alone, as the target takes them."""
    keep(out / "capture", data[:LARGEST])
    if data[:4] != b"\xd4\xc3\xb2\xa1":
        return
    frames, at, before = data[20:22], 24, None
    while at + 16 <= min(len(data), 30_000):
        seconds, micros, size = struct.unpack_from("<III", data, at)
        time = seconds * 1000 + micros // 1000
        frames += struct.pack("<HH", min(time - (before or time), 65535), size) + data[at + 16 : at + 16 + size]
        at, before = at + 16 + size, time
    keep(out / "capture", frames)


def formats(text, out):
    """A file of message formats with payloads that fit its items, some of them too short."""
    for payload in [b"", b"\x08\x03\x09\x80" + "srv01\0".encode("utf-16-le"), bytes(range(1, 200)), b"\4\0abcd" * 9]:
        keep(out / "tmf", struct.pack("<H", len(payload)) + payload + text)


def rows(text, out):
    """Rows of one case in pieces: a run takes as long as its rows are many. Both ends of a connection stand near each
    other in time; what speaks of whole inputs goes with each piece."""
    lines = re.sub(rb'"signatures_sha256":"[0-9a-f]{64}"', b'"signatures_sha256":"SIGNATURES"', text).splitlines(True)
    told = [line for line in lines if b'"row":"evidence"' not in line]
    evidence = sorted((line for line in lines if line not in told), key=lambda line: re.findall(rb'"time":"([^"]+)', line))
    starts = list(range(0, len(evidence), ROWS))
    for start in starts[:: len(starts) // PIECES + 1]:
        keep(out / "rows", b"".join(evidence[start : start + ROWS] + told)[:LARGEST])


def report(text, out):
    """A report with the beginning of its long parts: each form writes all of it."""
    whole = json.loads(text or b"{}")
    for part in ("timeline", "attempts", "inputs"):
        whole[part] = whole.get(part, [])[:ENTRIES]
    keep(out / "report", json.dumps(whole).encode())


def main(program, logs, out, *real):
    out, logs = pathlib.Path(out), pathlib.Path(logs)
    for path in sorted(logs.rglob("*")):
        if path.suffix == ".evtx":
            log(path.read_bytes(), out, 1)
        elif path.suffix == ".etl":
            trace(path.read_bytes(), out)
        elif path.suffix in (".pcap", ".pcapng"):
            capture(path.read_bytes(), out)
        elif path.is_file() and path.stat().st_size < 100_000:
            keep(out / "text", path.read_bytes())
    for path in map(pathlib.Path, real):
        data = path.read_bytes()[: 40 * CHUNK]
        log(data, out, 40) if data.startswith(b"ElfFile\0") else trace(data, out)
    for path in sorted((ROOT / "fuzz" / "seeds" / "text").glob("*")):
        keep(out / "text", path.read_bytes())
    for path in sorted((ROOT / "corpus" / "wire").glob("*.pcap*")):
        capture(path.read_bytes(), out)
    for path in sorted((ROOT / "fuzz" / "seeds" / "tmf").glob("*")):
        formats(path.read_bytes(), out)
    for name, kind in KINDS:
        for path in sorted((ROOT / "signatures" / name).rglob("*.*"))[:400]:
            keep(out / "signatures", bytes([3 if path.stem == "pairs" else kind]) + path.read_bytes())
    for case in sorted(path for path in logs.iterdir() if path.is_dir())[:60]:
        rows(subprocess.run([program, "scan", case], capture_output=True, check=False).stdout, out)
        report(subprocess.run([program, "analyze", "--format", "json", case], capture_output=True, check=False).stdout, out)
    for folder in sorted(out.iterdir()):
        print(folder.name, len(list(folder.iterdir())))


main(*sys.argv[1:])
