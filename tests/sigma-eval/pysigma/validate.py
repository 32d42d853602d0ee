"""Reads Sigma rules as users do: with pySigma, its validators, and the backends for Splunk and Elastic.

    validate.py FOLDER... [--convert N]

Loads every .yml below the folders and runs pySigma's validators on it. A file fails where a document can not be read, a
reference leads nowhere, an id is there twice, or a validator finds something of medium severity or more; what is of low severity,
or asks for another log source of the same events, is told and does not count. With --convert the rules of the first N files (0: of all) are given to the backends, and what they
refuse is counted by reason; only what is no refusal but a crash of a backend makes a file fail. The last line is
`N passed, N failed`; the exit status is 1 where a file fails and 2 where there is nothing to do.

Nothing is downloaded.
"""

import argparse
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

try:
    from sigma.collection import SigmaCollection
    from sigma.exceptions import SigmaError
    from sigma.validation import SigmaValidator
    from sigma.validators.base import SigmaValidationIssueSeverity
    from sigma.validators.core import validators
except ImportError as missing:
    print(f"pySigma is not at hand ({missing}): pip install -r requirements.txt")
    sys.exit(2)

# Validators of pySigma that are not run, and why.
LEFT_OUT = {
    "attacktag": "downloads the data of ATT&CK; the form of the tags is checked instead",
    "d3_fendtag": "downloads the data of D3FEND",
    "tlpv1_tag": "asks for the first version of TLP alone; tlptag takes both",
    "tlpv2_tag": "asks for the second version of TLP alone; tlptag takes both",
    "filename_length": "a rule is named after the file of its hunt",
    "duplicate_filename": "a rule is named after the file of its hunt",
}

# Issues that are told as remarks whatever their severity, and why.
REMARKS = {
    # A hunt in the raw events of Sysmon names them by number, and so does the rule: the fields are the same.
    "SpecificInsteadOfGenericLogsourceIssue",
}

# Tags of ATT&CK as the specification's appendix on tags has them, and the tactics of other versions of ATT&CK.
TACTICS = (
    "initial-access execution persistence privilege-escalation defense-evasion credential-access discovery "
    "lateral-movement collection exfiltration command-and-control impact reconnaissance resource-development "
    "stealth defense-impairment"
).split()
ATTACK = re.compile(r"attack\.(t\d{4}(\.\d{3})?|(g|s|ds|m|a)\d{4}|" + "|".join(TACTICS) + ")")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--convert", type=int, metavar="N", help="give the rules of the first N files to the backends; 0: of all")
    arguments = parser.parse_args()
    files = sorted({file for folder in arguments.folders for file in folder.rglob("*.yml")})
    if not files:
        print("there are no rules in", *arguments.folders)
        return 2

    chosen = [validator for name, validator in sorted(validators.items()) if name not in LEFT_OUT]
    print(f"{len(chosen)} validators of pySigma are run, {len(LEFT_OUT)} are not:")
    for name, why in LEFT_OUT.items():
        print(f"  {name}: {why}")

    failures = defaultdict(list)
    remarks = Counter()
    collections = {}
    ids = {}
    for file in files:
        found, told, collection = validate(file, chosen)
        failures[file] += found
        remarks.update(told)
        if collection is not None:
            collections[file] = collection
            for rule in collection.rules:
                first = ids.setdefault(rule.id, file)
                if first == file:
                    continue
                if first.read_bytes() == file.read_bytes():
                    remarks["the rules of a file are those of another one"] += 1
                else:
                    failures[file].append(f"id {rule.id} is that of a rule in {first}, too")

    if arguments.convert is not None:
        picked = list(collections)[: arguments.convert or None]
        for file, crashes in convert({file: collections[file] for file in picked}).items():
            failures[file] += crashes

    for remark, count in sorted(remarks.items()):
        print(f"remark: {count} x {remark}")
    failed = {file: found for file, found in failures.items() if found}
    for file, found in sorted(failed.items()):
        print(f"failed: {file}")
        for one in found:
            print(f"  {one}")
    print(f"{len(files) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def validate(file, chosen):
    """What is wrong with a file, what is only to be told of it, and its rules where all can be read."""
    try:
        collection = SigmaCollection.from_yaml(file.read_text(encoding="utf-8"), collect_errors=True)
    except Exception as error:  # Whatever pySigma makes of the text.
        return [f"can not be read: {told_error(error)}"], [], None
    errors = collection.errors + [error for rule in collection.rules for error in rule.errors]
    if errors or not collection.rules:
        return [f"can not be read: {told_error(error)}" for error in errors] or ["holds no rule"], [], None
    try:
        collection.resolve_rule_references()
        for rule in collection.rules:
            for condition in rule.detection.parsed_condition if hasattr(rule, "detection") else []:
                # Read only when it is asked for.
                _ = condition.parsed
    except SigmaError as error:
        return [f"refers to what is not there: {told_error(error)}"], [], None

    found, remarks = [], []
    # Fresh ones for each file: titles may be the same in files of different hunts, not within one.
    for issue in SigmaValidator(chosen).validate_rules(iter(collection.rules)):
        if issue.severity == SigmaValidationIssueSeverity.LOW or type(issue).__name__ in REMARKS:
            remarks.append(f"{type(issue).__name__}: {issue.description}")
        else:
            found.append(str(issue))
    for rule in collection.rules:
        for tag in map(str, rule.tags):
            if tag.startswith("attack.") and not ATTACK.fullmatch(tag):
                found.append(f"tag {tag} has not the form of the specification")
    return found, remarks, collection


def convert(collections):
    """Gives rules to the backends and prints what becomes of them; the crashes of each file."""
    crashes = defaultdict(list)
    for name, backend in backends():
        reasons, examples = Counter(), {}
        for file in collections:
            try:
                reason = "converted" if backend().convert(fresh(file)) else "gives no query"
            except (SigmaError, NotImplementedError) as refusal:
                reason = told_error(refusal)
            except Exception as crash:
                reason = f"crash: {told_error(crash)}"
                crashes[file].append(f"{name}: {reason}")
            reasons[reason] += 1
            examples.setdefault(reason, file)
        print(f"{name}: {reasons.pop('converted', 0)} of {len(collections)} files converted")
        for reason, count in reasons.most_common():
            print(f"  {count} x {reason}   such as {examples[reason]}")
    return crashes


def fresh(file):
    """A backend changes the rules that it converts."""
    return SigmaCollection.from_yaml(file.read_text(encoding="utf-8"))


def backends():
    """The languages that the installed backends offer."""
    try:
        from sigma.backends.splunk import SplunkBackend

        yield "Splunk", SplunkBackend
    except ImportError:
        print("Splunk: the backend is not at hand")
    try:
        from sigma.backends import elasticsearch
    except ImportError:
        print("Elastic: the backend is not at hand")
        return
    for name, backend in (("Lucene", "LuceneBackend"), ("EQL", "EqlBackend"), ("ES|QL", "ESQLBackend")):
        if hasattr(elasticsearch, backend):
            yield f"Elastic {name}", getattr(elasticsearch, backend)


def told_error(error):
    """An error in one line, without what is of one rule only."""
    text = re.sub(r"\s*\(while converting rule .*?\)", "", " ".join(str(error).split()))
    return f"{type(error).__name__}: {text[:200]}"


if __name__ == "__main__":
    sys.exit(main())
