"""DuckDB reads every line-by-line form with typed columns, and rows of scans into the table of `whyrdp schema`.

Usage: sink_duckdb.py FOLDER
"""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

import duckdb

db = duckdb.connect()


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def get(document, path):
    for part in path:
        document = document.get(part) if isinstance(document, dict) else None
    return document


def table(name, path, columns):
    """Reads JSON Lines into a table whose columns have these types; any other type of value is an error."""
    wanted = ", ".join(f"'{column}': '{kind}'" for column, kind in columns.items())
    db.execute(
        f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM read_json('{path}', format='newline_delimited', "
        f"maximum_object_size=67108864, columns={{{wanted}}})"
    )


def same(what, query, expected):
    """The answer of a query is what Python reads in the same file."""
    found = db.execute(query).fetchall()
    expected = sorted(expected, key=repr)
    found = sorted((row[0] if len(row) == 1 else row for row in found), key=repr)
    assert found == expected, f"{what}: {found[:5]} is not {expected[:5]} ({len(found)} and {len(expected)})"


def guessed(path):
    """Without being told any type it reads every line as well."""
    found = db.execute(
        f"SELECT count(*) FROM read_json('{path}', format='newline_delimited', maximum_object_size=67108864, "
        "sample_size=-1)"
    ).fetchone()[0]
    expected = len(path.read_text(encoding="utf-8").splitlines())
    assert found == expected, f"{path}: {found} of {expected} lines"


def ecs(path):
    documents = lines(path)
    table("ecs", path, {
        "@timestamp": "TIMESTAMP",
        "message": "VARCHAR",
        "event": "STRUCT(kind VARCHAR, code VARCHAR, category VARCHAR[], \"type\" VARCHAR[], severity BIGINT, "
                 "risk_score DOUBLE, outcome VARCHAR, id VARCHAR, \"start\" TIMESTAMP, duration BIGINT)",
        "source": "STRUCT(ip VARCHAR, address VARCHAR)",
        "related": "STRUCT(ip VARCHAR[], \"user\" VARCHAR[], hosts VARCHAR[])",
        "winlog": "STRUCT(event_id VARCHAR, record_id VARCHAR, activity_id VARCHAR, process STRUCT(pid BIGINT), "
                  "event_data MAP(VARCHAR, VARCHAR))",
        "whyrdp": "STRUCT(cause STRUCT(id VARCHAR, verdict VARCHAR, score BIGINT), attempt STRUCT(id VARCHAR))",
    })
    same("ids", "SELECT event.id FROM ecs", [get(d, ["event", "id"]) for d in documents])
    same("no document without time", 'SELECT count(*) FROM ecs WHERE "@timestamp" IS NULL', [0])
    kinds = Counter(d["event"]["kind"] for d in documents)
    same("kinds", "SELECT event.kind, count(*) FROM ecs GROUP BY ALL", list(kinds.items()))
    codes = Counter(get(d, ["winlog", "event_id"]) for d in documents if "winlog" in d)
    same("codes", "SELECT winlog.event_id, count(*) FROM ecs WHERE winlog IS NOT NULL GROUP BY ALL", list(codes.items()))
    fields = sum(len(get(d, ["winlog", "event_data"]) or {}) for d in documents)
    assert fields > 0
    same("fields", "SELECT sum(cardinality(winlog.event_data)) FROM ecs", [fields])
    same("seconds", "SELECT event.id FROM ecs WHERE \"@timestamp\" >= TIMESTAMP '2000-01-01' "
         "AND event.risk_score > 50", [d["event"]["id"] for d in documents
                                       if d["event"].get("risk_score", 0) > 50 and d["@timestamp"] > "2000"])


def ocsf(path):
    events = lines(path)
    table("ocsf", path, {
        "class_uid": "INTEGER", "activity_id": "INTEGER", "type_uid": "BIGINT", "time": "BIGINT",
        "severity_id": "INTEGER", "is_alert": "BOOLEAN", "confidence_score": "INTEGER",
        "metadata": "STRUCT(version VARCHAR, uid VARCHAR, event_code VARCHAR)",
        "finding_info": "STRUCT(uid VARCHAR, title VARCHAR, types VARCHAR[], first_seen_time BIGINT)",
        "src_endpoint": "STRUCT(hostname VARCHAR, ip VARCHAR)",
    })
    classes = Counter((e["class_uid"], e["type_uid"]) for e in events)
    same("classes", "SELECT class_uid, type_uid, count(*) FROM ocsf GROUP BY ALL",
         [(*key, count) for key, count in classes.items()])
    same("findings", "SELECT finding_info.uid FROM ocsf WHERE class_uid = 2004",
         [e["finding_info"]["uid"] for e in events if e["class_uid"] == 2004])
    same("times", "SELECT count(*) FROM ocsf WHERE epoch_ms(\"time\") < TIMESTAMP '2000-01-01'", [
        sum(1 for e in events if e["time"] < 946684800000)])


def tables(folder):
    """CSV: the same cells as Python's reader, and columns that hold numbers and times take these types."""
    typed = {
        "csv": {"time": "TIMESTAMP", "aligned_time": "TIMESTAMP", "score": "INTEGER", "event_id": "BIGINT",
                "record_id": "BIGINT", "offset": "BIGINT", "count": "BIGINT"},
        "timesketch-csv": {"datetime": "TIMESTAMP", "timestamp": "BIGINT", "event_identifier": "BIGINT",
                           "offset": "BIGINT"},
        "l2tcsv": {"version": "INTEGER", "time": "TIME"},
    }
    for form, types in typed.items():
        path = folder / form
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        wanted = ", ".join(f"'{column}': '{kind}'" for column, kind in types.items())
        db.execute(f"CREATE OR REPLACE TABLE cells AS SELECT * FROM read_csv('{path}', header=true, delim=',', "
                   f"quote='\"', escape='\"', all_varchar=false, types={{{wanted}}}, max_line_size=16777216, "
                   "sample_size=-1, strict_mode=true)")
        names = [row[0] for row in db.execute("DESCRIBE cells").fetchall()]
        assert names == list(rows[0]), f"{form}: {names}"
        same(f"{form} lines", "SELECT count(*) FROM cells", [len(rows)])
        told = "message" if "message" in names else "desc"
        same(form, f'SELECT coalesce("{told}", \'\') FROM cells', [row[told] for row in rows])


def scan(folder, ddl):
    """The table of `whyrdp schema rows --ddl` takes every row of a scan."""
    path = folder / "rows.jsonl"
    rows = lines(path)
    db.execute("DROP TABLE IF EXISTS whyrdp_rows")
    db.execute(ddl.read_text(encoding="utf-8"))
    columns = {row[0]: row[1] for row in db.execute("DESCRIBE whyrdp_rows").fetchall()}
    table("wire", path, columns)
    db.execute("INSERT INTO whyrdp_rows BY NAME SELECT * FROM wire")
    same("rows", "SELECT count(*) FROM whyrdp_rows", [len(rows)])
    kinds = Counter(row["row"] for row in rows)
    same("kinds of rows", 'SELECT "row", count(*) FROM whyrdp_rows GROUP BY ALL', list(kinds.items()))
    same("refs", "SELECT ref FROM whyrdp_rows WHERE ref IS NOT NULL", [row["ref"] for row in rows if "ref" in row])
    same("signatures", "SELECT json_array_length(signatures) FROM whyrdp_rows WHERE \"row\" = 'evidence'",
         [len(row["signatures"]) for row in rows if row["row"] == "evidence"])
    same("records", "SELECT sum(records) FROM whyrdp_rows WHERE \"row\" = 'input'",
         [sum(row["records"] for row in rows if row["row"] == "input")])
    unknown = {key for row in rows for key in row} - set(columns)
    assert not unknown, f"no column for {unknown}"


def main(folder):
    inputs = sorted(path for path in folder.iterdir() if path.is_dir())
    assert inputs, "nothing to read"
    for path in inputs:
        ecs(path / "ecs")
        ocsf(path / "ocsf")
        for form in ["jsonl", "ecs", "ocsf", "timesketch", "rows.jsonl"]:
            guessed(path / form)
        tables(path)
        scan(path, folder / "rows.sql")
        found = db.execute("SELECT count(*) FROM ecs").fetchone()[0]
        print(f"DuckDB {duckdb.__version__}, {path.name}: {found} ECS documents and all other forms are read")
    parquet = folder / "ecs.parquet"
    db.execute(f"COPY ecs TO '{parquet}' (FORMAT parquet)")
    same("Parquet", f"SELECT count(*) FROM '{parquet}'", [found])


main(Path(sys.argv[1]))
