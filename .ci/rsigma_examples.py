"""Every example of every rule under signatures/rules, judged by rsigma.

Usage: rsigma_examples.py RSIGMA RULES. Prints each example on which rsigma's verdict is not the
one that the rule states (`whyrdp signatures test` says that ours is), and ends with 1 if there is one.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml


def event(example, number):
    """An example as rsigma takes events: unnamed values also by position, as rules may ask for them."""
    fields = {"example": number}
    for name, value in example.items():
        values = value if isinstance(value, list) else [value]
        if name == "Data":
            fields.update({f"param{at}": one for at, one in enumerate(values, 1)})
        fields[name] = values[0] if len(values) == 1 else values
    positions = sorted((int(name[5:]), name) for name in fields if re.fullmatch(r"param\d+", name))
    if positions and "Data" not in fields:
        fields["Data"] = [fields[name] for _, name in positions]
    return fields


def main(rsigma, folder):
    examples = []
    for path in sorted(pathlib.Path(folder).rglob("*.yml")):
        # Spelling counts: 0x10 and 007 are text in a record.
        rule = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        tests = rule.get("whyrdp", {}).get("tests", {})
        for kind in ("match", "miss"):
            examples += [(path, rule["id"], kind, example) for example in tests.get(kind, [])]
    with tempfile.TemporaryDirectory() as temporary:
        events = pathlib.Path(temporary, "events.ndjson")
        lines = (json.dumps(event(example, number)) for number, (_, _, _, example) in enumerate(examples))
        events.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [rsigma, "engine", "eval", "-r", folder, "-e", f"@{events}"]
        command += ["--input-format", "json", "--include-event", "--quiet", "--output-format", "ndjson"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"rsigma ended with {done.returncode}: {done.stderr[-2000:]}")
    hits = set()
    for line in done.stdout.splitlines():
        hit = json.loads(line)
        if hit.get("event"):
            hits.add((hit["rule_id"], hit["event"]["example"]))
    wrong = 0
    for number, (path, rule, kind, example) in enumerate(examples):
        if ((rule, number) in hits) != (kind == "match"):
            wrong += 1
            print(f"{path}: rsigma {'misses' if kind == 'match' else 'matches'} the {kind} {json.dumps(example)}")
    print(f"{len(examples)} examples, {len(hits)} matches, {wrong} judged otherwise by rsigma")
    sys.exit(1 if wrong or not hits else 0)


main(*sys.argv[1:])
