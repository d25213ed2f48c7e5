#!/usr/bin/env python3
"""Seeds for the fuzz targets: python3 scripts/fuzz_seeds.py WHYRDP CORPUS_LOGS OUT [REAL_FILES...]

WHYRDP is the program, CORPUS_LOGS what `whyrdp-corpus generate` wrote, OUT the folder of seeds
(one folder a target), REAL_FILES further logs and traces. Only the standard library is needed.
"""

import hashlib
import pathlib
import re
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHUNK, HEADER, LARGEST = 65536, 4096, 1 << 18
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
                start = event.start() - 2
                if start < 0 or start + 0x58 > len(body):
                    continue
                length, kind, schema = *struct.unpack_from("<H", body, start), *struct.unpack_from("<H2xH", body, start + 0x52)
                if kind == 11 and 8 < schema < 4000:
                    payload = body[start + 0x50 + (8 + schema + 7) // 8 * 8 : start + length]
                    keep(out / "tracelogging", struct.pack("<H", schema) + body[start + 0x58 : start + 0x58 + schema] + payload)
                    made += 1
        at += size


def main(program, logs, out, *real):
    out, logs = pathlib.Path(out), pathlib.Path(logs)
    for path in sorted(logs.rglob("*")):
        if path.suffix == ".evtx":
            log(path.read_bytes(), out, 1)
        elif path.suffix == ".etl":
            trace(path.read_bytes(), out)
        elif path.is_file() and path.stat().st_size < 100_000:
            keep(out / "text", path.read_bytes())
    for path in map(pathlib.Path, real):
        data = path.read_bytes()[: 40 * CHUNK]
        log(data, out, 40) if data.startswith(b"ElfFile\0") else trace(data, out)
    for path in sorted((ROOT / "fuzz" / "seeds" / "text").glob("*")):
        keep(out / "text", path.read_bytes())
    for name, kind in KINDS:
        for path in sorted((ROOT / "signatures" / name).rglob("*.*"))[:400]:
            keep(out / "signatures", bytes([3 if path.stem == "pairs" else kind]) + path.read_bytes())
    for case in sorted(path for path in logs.iterdir() if path.is_dir())[:60]:
        rows = subprocess.run([program, "scan", case], capture_output=True, check=False).stdout
        keep(out / "rows", re.sub(rb'"signatures_sha256":"[0-9a-f]{64}"', b'"signatures_sha256":"SIGNATURES"', rows)[:LARGEST])
        report = subprocess.run([program, "analyze", "--format", "json", case], capture_output=True, check=False).stdout
        keep(out / "report", report[:LARGEST])
    for folder in sorted(out.iterdir()):
        print(folder.name, len(list(folder.iterdir())))


main(*sys.argv[1:])
