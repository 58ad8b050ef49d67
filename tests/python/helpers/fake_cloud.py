#!/usr/bin/env python3
"""Stands for gcloud and bq on PATH. It writes down each command with the files that it names, and remembers what was
created, so that lists have it. The folder FAKE_CLOUD holds both; a command with the text of FAKE_CLOUD_FAILS fails.
"""

import json
import os
import re
import sys
from pathlib import Path

# Commands that make something, other than create.
MAKES = {"replace", "submit"}
OPTIONS = re.compile("--(?:policy-from-file|channel-content-from-file|config|lifecycle-file)=(.+)")


def main() -> int:
    tool, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    folder = Path(os.environ["FAKE_CLOUD"])
    words = [one for one in arguments if not one.startswith("-")]
    text = " ".join([tool, *arguments])
    files = {
        found: Path(found).read_text(encoding="utf-8")
        for one in arguments
        if (found := (OPTIONS.fullmatch(one) or [one, one])[1]).endswith((".yml", ".json"))
    }
    with (folder / "commands.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps({"command": [tool, *arguments], "files": files}) + "\n")
    fails = os.environ.get("FAKE_CLOUD_FAILS")
    if fails and fails in text:
        print("PERMISSION_DENIED: The caller does not have permission", file=sys.stderr)
        return 1
    made = folder / "made.txt"
    known = made.read_text(encoding="utf-8").splitlines() if made.is_file() else []
    if tool == "bq":
        return 0 if "show" not in words or os.environ.get("FAKE_CLOUD_HAS_LOGS") else 1
    if words[:2] == ["services", "list"]:
        print("bigquery.googleapis.com", *known, sep="\n")
    elif "create" in words or MAKES & {*words}:
        names = [json.loads(one).get("displayName", "") for name, one in files.items() if name.endswith(".json")]
        with made.open("a", encoding="utf-8") as log:
            log.write(" ".join([*words, *names]) + "\n")
    elif words[:2] == ["services", "enable"]:
        made.write_text("\n".join([*known, *words[2:]]) + "\n", encoding="utf-8")
    elif "describe" in words:
        print("serviceAccount:writer@logging.test")
    elif "list" in words:
        group = " ".join(words[: words.index("list")])
        if "versions" in words:
            print(*([] if os.environ.get("FAKE_CLOUD_NO_SECRET") else ["1"]), sep="\n")
        elif group == "artifacts docker images":
            print(*["sha256:1" for one in known if one.startswith("builds submit")][:1], sep="\n")
        else:
            (asked,) = (one for one in arguments if one.startswith("--filter="))
            wanted = re.split("[=~]", asked, maxsplit=2)[2].strip('"$/').partition("@")[0]
            print(*["name/1" for one in known if one.startswith(group) and wanted in one][:1], sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
