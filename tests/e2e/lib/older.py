"""Rewrites records as earlier releases wrote them: what was added since is not there. tests/data/state has what they left."""
import json
import os
import re

# Members by the kind of the file, with the release before which they were not there.
ADDED = [
    (r"/containers/[^/]+/record\.json$|/templates/\d+/record\.json$", "2026-11-30", ["takes_over"]),
    (r"lib(/davit)?/networks/[^/]+\.json$", "2026-11-30", ["scope", "leaving"]),
    (r"/exit\.json$", "2026-11-30", ["format", "signal"]),
    (r"/net/projects/[^/]+\.json$", "2026-11-30", ["services"]),
    (r"/templates/\d+/template\.json$", "2026-12", ["boot_id"]),
]
# Files that there were none of.
NEW = [(r"/containers/[^/]+/last\.json$", "2026-11-30"), (r"lib(/davit)?/(swarm|revisions)/", "2026-11-30")]


def rewrite(tops, release):
    """As `release` wrote it, in place. The files that were touched."""
    touched = []
    for path in (os.path.join(d, f) for top in tops for d, _, files in os.walk(top) for f in files):
        if any(re.search(pattern, path) and release < since for pattern, since in NEW):
            os.unlink(path)
            touched.append(path)
            continue
        gone = [m for pattern, since, members in ADDED if re.search(pattern, path) and release < since for m in members]
        if not gone:
            continue
        with open(path, encoding="utf-8") as f:
            record = json.load(f)
        older = {k: v for k, v in record.items() if k not in gone}
        if older != record:
            with open(path, "w", encoding="utf-8") as f:
                json.dump(older, f)
            touched.append(path)
    return touched
