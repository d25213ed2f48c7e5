"""Every rule of a folder as a query of Splunk and of Lucene, every correlation as one of Splunk.

Usage: sigma_convert.py RULES. As `sigma convert --without-pipeline` does it, but rule by rule: the
command wants all rules that a correlation counts sorted before it, and a folder gives them by name.
"""

import pathlib
import sys

from sigma.backends.elasticsearch import LuceneBackend
from sigma.backends.splunk import SplunkBackend
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule


def queries(backend, text):
    """What a backend makes of the documents of a text, rules before what counts them."""
    return [query for query in backend().convert(SigmaCollection.from_yaml(text)) if query]


def main(folder):
    detections, correlations, names = [], [], {}
    for path in sorted(pathlib.Path(folder).rglob("*.yml")):
        text = path.read_text(encoding="utf-8")
        rule = SigmaCollection.from_yaml(text, collect_errors=True, resolve_references=False).rules[0]
        (correlations if isinstance(rule, SigmaCorrelationRule) else detections).append((path, rule, text))
        names.update({name: text for name in (rule.name, str(rule.id)) if name})
    wrong = made = 0
    work = [(path, text, backend) for path, _, text in detections for backend in (SplunkBackend, LuceneBackend)]
    for path, rule, text in correlations:
        counted = [names.get(reference.reference, "") for reference in rule.rules]
        work.append((path, "\n---\n".join([*counted, text]), SplunkBackend))
    for path, text, backend in work:
        try:
            found = queries(backend, text)
            made += len(found)
            if not found:
                raise ValueError("no query")
        except Exception as error:  # Whatever it is, it is the rule's own trouble.
            wrong += 1
            print(f"{path}: {backend.__name__}: {error}"[:1000])
    print(f"{len(detections)} rules and {len(correlations)} correlations: {made} queries, {wrong} failures")
    sys.exit(1 if wrong or not made else 0)


main(*sys.argv[1:])
