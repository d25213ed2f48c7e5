"""Another author's model of OCSF takes every detection finding.

Usage: sink_ocsf.py FOLDER
"""

import json
import sys
from pathlib import Path

from py_ocsf_models.events.findings.detection_finding import DetectionFinding
from pydantic import ValidationError

for folder in sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_dir()):
    findings = [json.loads(line) for line in (folder / "ocsf").read_text(encoding="utf-8").splitlines()]
    findings = [event for event in findings if event["class_uid"] == 2004]
    for event in findings:
        # Its model of a device wants the region of a cloud, which the schema does not.
        for evidence in event.get("evidences", []):
            evidence.pop("device", None)
        # And a technique has a name in it, where the schema takes name or id.
        for attack in event["finding_info"].get("attacks", []):
            for part in attack.values():
                part.setdefault("name", part["uid"])
        taken = DetectionFinding.model_validate(event)
        assert taken.finding_info.uid == event["finding_info"]["uid"]
        assert taken.time == event["time"] or taken.time.timestamp() * 1000 == event["time"]
    print(f"py-ocsf-models, {folder.name}: {len(findings)} detection findings")
try:
    DetectionFinding.model_validate({**event, "finding_info": {}})
except ValidationError:
    pass
else:
    raise AssertionError("a finding without its uid is taken: this proves nothing")
