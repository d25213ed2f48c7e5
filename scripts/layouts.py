#!/usr/bin/env python3
"""Makes `signatures/layouts/*.tsv` from a folder of event layouts in JSON.

    scripts/layouts.py FOLDER signatures/layouts

FOLDER holds one JSON per provider, `mof.json` for classic events and `providers.tsv` for names.
Only facts go into the product: ids, names, types, builds. `signatures/layouts/README.md` says what the
columns mean.
"""
import json
import pathlib
import sys

TYPES = {
    "UnicodeString": "s", "AnsiString": "a", "Binary": "b", "Boolean": "bool", "GUID": "guid", "Pointer": "ptr",
    "SizeT": "ptr", "FILETIME": "filetime", "SYSTEMTIME": "systemtime", "SID": "sid", "Float": "f32", "Double": "f64",
    "Int8": "i8", "UInt8": "u8", "Int16": "i16", "UInt16": "u16", "Int32": "i32", "UInt32": "u32", "Int64": "i64",
    "UInt64": "u64", "HexInt32": "x32", "HexInt64": "x64",
}
# Providers whose records stand in traces only: there addresses and ports may be shown as such. What event
# logs hold too must read alike in both.
NETWORK = {
    "Microsoft-Windows-TCPIP", "Microsoft-Windows-Winsock-AFD", "Microsoft-Windows-Kernel-Network",
    "Microsoft-Windows-WFP",
}
BIG_ENDIAN_PORTS = {"Microsoft-Windows-Winsock-AFD", "Microsoft-Windows-Kernel-Network"}
# Field types of events whose manifest is not public, by the words of their texts.
SPOKEN = {"ErrorCode": "u32", "BytesReceived": "u64", "BytesTransfered": "u64", "SessionDuration": "u64"}

# Names that event logs write otherwise than the manifests' dumps, which lost blanks.
WRITTEN = {
    ("Microsoft-Windows-TerminalServices-ClientActiveXCore", 226, "ErrorCode"): "Error Code",
    ("Microsoft-Windows-Windows Firewall With Advanced Security", 2033, "StoreType"): "Store Type",
    **{("Microsoft-Windows-DNS-Client", number, "SentUpdateServer"): "Sent UpdateServer" for number in range(8000, 8100)},
}


def name_of(provider, number, name):
    """The name that a record in an event log has."""
    if name in ("binary", "binaryData") and provider in ("Schannel", "Microsoft-Windows-Security-Kerberos"):
        return "Binary"
    return WRITTEN.get((provider, number, name), name)


def shown(provider, field):
    """How a value is to be shown where its type does not say."""
    name, kind = field["name"].lower(), field["type"]
    if provider not in NETWORK or field.get("count"):
        return ""
    if kind == "Binary" and ("addr" in name or "nexthop" in name) and not name.startswith("dl"):
        return ">addr"
    if kind == "UInt16" and provider in BIG_ENDIAN_PORTS and name in ("port", "dport", "sport"):
        return ">port"
    if kind == "UInt32" and (name in ("daddr", "saddr") or "ipv4" in name and "address" in name):
        return ">ip4"
    if kind == "UInt32" and provider == "Microsoft-Windows-Winsock-AFD" and name == "address":
        return ">ip4"
    return ""


def written(provider, number, fields):
    out = []
    for field in fields:
        text = f"{name_of(provider, number, field['name'])}:{TYPES[field['type']]}"
        if "length" in field:
            text += f"={field['length']}"
        if "count" in field:
            text += f"*{field['count']}"
        out.append(text + shown(provider, field))
    return "|".join(out)


def rows(data):
    """(id, version, first build, last build, channel, fields), the newest build first."""
    for key, event in data["events"].items():
        number, version = key.split(":")
        channel = event.get("channel", "")
        if version == "*":
            names = event.get("names")
            if not names:
                continue
            # 32 or 64 bit: the layout that fits the payload is taken.
            wide = "|".join(f"{name}:{SPOKEN.get(name, 's')}" for name in names)
            yield int(number), "*", 0, 0, channel, wide
            if "u64" in wide:
                yield int(number), "*", 0, 0, channel, wide.replace("u64", "u32")
            continue
        layouts = [event, *event.get("alt", [])]
        for layout in sorted(layouts, key=lambda layout: -layout["seen"][1]):
            fields = written(data["name"], int(number), layout["fields"])
            if not fields and "%1" in event.get("message", ""):
                continue
            yield int(number), version, *layout["seen"], channel, fields


def main(source, target):
    source, target = pathlib.Path(source), pathlib.Path(target)
    target.mkdir(parents=True, exist_ok=True)
    known = {}
    for path in sorted(source.glob("*.json")):
        if path.name == "mof.json":
            continue
        data = json.loads(path.read_text())
        if not data["guid"]:
            continue
        known[data["guid"]] = data["name"]
        lines = [f"provider\t{data['guid']}\t{data['name']}"]
        for channel in data["channels"]:
            lines.append(f"channel\t{channel.rsplit('/', 1)[-1]}\t{channel}")
        used = {channel for channel in data["channels"]}
        for number, version, first, last, channel, fields in sorted(rows(data), key=lambda row: (row[0], row[1])):
            if channel and not used:
                lines.insert(1, f"channel\t{channel}\t{data['name']}/{channel}")
                used.add(f"{data['name']}/{channel}")
            lines.append(f"{number}\t{version}\t{first}\t{last}\t{channel}\t{fields}")
        (target / f"{path.stem}.tsv").write_text("\n".join(lines) + "\n")

    lines = []
    classes = json.loads((source / "mof.json").read_text())["mof"]
    for key, event in sorted(classes.items()):
        guid, kind, version = key.split(":")
        fields = written(event["provider"], 0, event["fields"])
        lines.append(f"class\t{guid}\t{kind}\t{version}\t{event['control']}\t{event['provider']}\t{fields}")
    (target / "classic.tsv").write_text("\n".join(lines) + "\n")

    lines = []
    for line in (source / "providers.tsv").read_text().splitlines():
        cells = line.split("\t")
        if len(cells) > 2 and cells[1].startswith("{") and cells[2] in ("manifest", "TraceLogging"):
            name = cells[0].split("(")[0].strip()
            if known.setdefault(cells[1], name) is name:
                lines.append(f"name\t{cells[1]}\t{name}")
    (target / "names.tsv").write_text("\n".join(sorted(set(lines))) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
