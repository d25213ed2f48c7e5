#!/usr/bin/env python3
"""Rows of a large case for `whyrdp correlate`: python3 scripts/rows.py ROWS HOSTS SIGNATURES_SHA256 > rows.jsonl

Half of the hosts are clients, half servers; each attempt is two rows of a client (it connects, it is cut off) and a refused
logon at the server. At the end stands what the logs cover: all of them, without a gap.
SIGNATURES_SHA256 stands in every row of `whyrdp scan`. The same arguments give the same rows.
"""

import hashlib
import json
import sys

CLIENT = "Microsoft-Windows-TerminalServices-ClientActiveXCore"
OPERATIONAL = "Microsoft-Windows-TerminalServices-RDPClient/Operational"
START = 1_714_550_400


def moment(seconds):
    days, rest = divmod(seconds, 86400)
    years = days + 719468
    era, day = divmod(years, 146097)
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    rest_days = day - (365 * year + year // 4 - year // 100)
    month = (5 * rest_days + 2) // 153
    date = rest_days - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year += era * 400 + (month <= 2)
    return f"{year:04}-{month:02}-{date:02}T{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}.0000000Z"


def main(rows, hosts, sha256):
    pairs, ids, spans, out = hosts // 2, {}, {}, sys.stdout
    stamp = {"schema_version": 1, "signatures_sha256": sha256}

    def row(computer, channel, provider, event, second, fields, signature, activity=None):
        key = (computer, channel)
        ids[key] = ids.get(key, 0) + 1
        spans[key] = (spans.get(key, (second,))[0], second)
        name = hashlib.md5(f"{computer}/{channel}/{ids[key]}".encode()).hexdigest()
        record = {"row": "evidence", "ref": name, "computer": computer, "channel": channel, "provider": provider, "event_id": event}
        record |= {"record_id": ids[key], "time": moment(second)} | ({"activity_id": activity} if activity else {})
        record |= {"fields": fields, "signatures": [signature], "source": {"path": f"{computer}/{channel.split('/')[0]}.evtx", "offset": ids[key] * 512}}
        out.write(json.dumps(stamp | record, separators=(",", ":")) + "\n")

    for number in range(rows // 3):
        pair, turn = number % pairs, number // pairs
        client, server, second = f"PC{pair:04}", f"SRV{pair:04}", START + turn * 600 + pair % 300
        digest = hashlib.md5(f"{pair}/{turn}".encode()).hexdigest().upper()
        activity = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
        row(client, OPERATIONAL, CLIENT, 1024, second, [["Name", "Server Name"], ["Value", server]], "rdpclient_1024_connecting", activity)
        user, address = f"user{pair}", f"10.{pair // 250}.{pair % 250}.7"
        fields = [["TargetUserName", user], ["TargetDomainName", "CORP"], ["Status", "0xc000006d"], ["SubStatus", "0xc000006a"], ["LogonType", "3"]]
        fields += [["WorkstationName", client], ["IpAddress", address], ["IpPort", str(50000 + turn % 10000)]]
        row(server, "Security", "Microsoft-Windows-Security-Auditing", 4625, second + 2, fields, "security_4625_bad_password")
        fields = [["Name", "Disconnect Reason"], ["Value", "2055"]]
        row(client, OPERATIONAL, CLIENT, 1026, second + 5, fields, "rdpclient_1026_disconnected", activity)
    for (computer, channel), (first, last) in spans.items():
        run = {"first_id": 1, "last_id": ids[computer, channel], "first": moment(first), "last": moment(last)}
        covered = {"row": "coverage", "computer": computer, "channel": channel, "runs": [run]}
        out.write(json.dumps(stamp | covered, separators=(",", ":")) + "\n")


main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
