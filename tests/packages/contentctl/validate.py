"""Reads detections of Splunk's security content with the classes of contentctl, which builds apps of them.

    validate.py FOLDER...

Loads every .yml below the folders as contentctl does. A detection fails where the file is no YAML, a key is unknown or missing,
or one of contentctl's own validators refuses it. Macros and lookups of the site that a search names are made up, for their
definitions are the site's; the deployments are those that contentctl puts into a new project. Each detection is also written
into savedsearches.conf by contentctl's template. The last line is `N passed, N failed`; the exit status is 1 where a file fails
and 2 where there is nothing to do.

Nothing is downloaded: whether ATT&CK knows a technique is not asked here.
"""

import re
import sys
import uuid
from pathlib import Path

try:
    import contentctl
    import contentctl.input.director
    from contentctl.enrichments.attack_enrichment import AttackEnrichment
    from contentctl.enrichments.cve_enrichment import CveEnrichment
    from contentctl.input.director import DirectorOutputDto
    from contentctl.input.yml_reader import YmlReader
    from contentctl.objects.atomic import AtomicEnrichment
    from contentctl.objects.config import CustomApp
    from contentctl.objects.deployment import Deployment
    from contentctl.objects.detection import Detection
    from contentctl.objects.lookup import KVStoreLookup
    from contentctl.objects.macro import Macro
    from contentctl.output.conf_writer import ConfWriter

    # A detection refers to classes that are known where contentctl itself reads one.
    Detection.model_rebuild(_types_namespace=vars(contentctl.input.director))
except ImportError as missing:
    print(f"contentctl is not at hand ({missing}): pip install -r requirements.txt")
    sys.exit(2)


def director():
    """What contentctl knows of a project: the deployments of a new one, and nothing to look up elsewhere."""
    known = DirectorOutputDto(
        AtomicEnrichment(data={}, use_enrichment=False),
        AttackEnrichment(data={}, use_enrichment=False),
        CveEnrichment(use_enrichment=False),
    )
    folder = Path(contentctl.__file__).parent / "templates" / "deployments"
    for path in sorted(folder.glob("*.yml")):
        data = YmlReader.load_file(path)
        data["file_path"] = path
        known.addContentToDictMappings(Deployment.model_validate(data, context={"output_dto": known}))
    return known


def make_up(search, known):
    """Macros and lookups that the site defines."""
    for name in set(re.findall(r"`(\w+)(?:\([^`]*\))?`", search)):
        if not name.endswith("_filter") and name not in known.name_to_content_map:
            data = {"name": name, "definition": "search *", "description": "Of the site."}
            known.addContentToDictMappings(Macro.model_validate(data, context={"output_dto": known}))
    for name in set(re.findall(r"\b(?:input|output)?lookup\s+(?:\w+=\w+\s+)*(\w+)", search)):
        if name not in known.name_to_content_map:
            data = {"name": name, "description": "Of the site.", "lookup_type": "kvstore", "fields": ["_key", "value"]}
            data |= {"id": uuid.uuid4(), "author": "Site", "date": "2024-01-01", "version": 1, "status": "production"}
            known.addContentToDictMappings(KVStoreLookup.model_validate(data, context={"output_dto": known}))


def read(path):
    """A detection, and the stanza that contentctl makes of it."""
    known = director()
    data = YmlReader.load_file(path)
    data.pop("file_path", None)
    make_up(data.get("search", ""), known)
    data["file_path"] = path
    detection = Detection.model_validate(data, context={"output_dto": known})
    detection.ensureFileNameMatchesSearchName()
    app = CustomApp(title="Site", uid=1234, label="Site", appid="site_content", prefix="Site")
    detection.get_action_dot_correlationsearch_dot_label(app)
    ConfWriter.getJ2Environment().get_template("savedsearches_detections.j2").render(objects=[detection], app=app)


def main():
    paths = [path for folder in sys.argv[1:] for path in sorted(Path(folder).rglob("*.yml"))]
    if not paths:
        print("no detections")
        return 2
    failed = 0
    for path in paths:
        try:
            read(path)
        except Exception as why:  # whatever contentctl raises is why it refuses the file
            failed += 1
            print(f"{path}: {type(why).__name__}: {why}")
    print(f"{len(paths) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
