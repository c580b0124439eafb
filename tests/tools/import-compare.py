"""Compares definitions of the catalogue with the recipes that were imported from them.

import-compare.py REPORT SHOWN: the document of `hbuild import --json` and that of `hbuild show --json`. Definitions are
read with PyYAML, every scalar as the text that is written; nothing of the importer is used. Prints what differs and is
not listed in the report.
"""

import json
import re
import sys

import yaml

DESCRIPTION = "org.opencontainers.image.description"
LICENSES = "org.opencontainers.image.licenses"
CODENAMES = {"12": "bookworm", "13": "trixie", "14": "forky"}


def put(definition, text):
    """The text with plain variables put in; None where it depends on more."""
    for _ in range(8):
        found = re.search(r"\$\{(\w+)\}", text)
        if not found or found.group(1) not in (definition.get("vars") or {}):
            break
        text = text[: found.start()] + definition["vars"][found.group(1)] + text[found.end() :]
    return None if "#{" in text or "${target" in text or "${source" in text else text


def platforms(definition):
    return {name.split("/")[1] for name in definition.get("platforms") or ["linux/amd64", "linux/arm64"]}


def images_of(definition, images):
    """The evaluated images of a definition, by its tags, distro and flavor."""
    release = definition["os-release"]
    distro = release["id"], release["version-id"]
    flavor = "dev" if definition.get("variant") == "dev" else "runtime"
    tags = set(definition.get("tags") or [])
    found = []
    for image in images:
        own = set(image["tags"]) | {image["variant"]}
        if (image["distro"]["family"], image["distro"]["release"]) == distro and image["flavor"] == flavor:
            if not tags or tags & own:
                found.append(image)
    return found


class Comparison:
    def __init__(self, file, remarks):
        self.file = file
        self.left_out = {(r["field"], r["value"]) for r in remarks if r["kind"] != "added" and r["file"] == file}
        self.fields = {field for field, _ in self.left_out}
        self.wrong = []

    def listed(self, field):
        return any(re.sub(r"\[\d+\]", "", known).startswith(field) for known in self.fields)

    def equal(self, field, wanted, found):
        if wanted != found and not self.listed(field):
            self.wrong.append(f"{self.file}: {field}: wanted {wanted!r}, found {found!r}")

    def within(self, field, wanted, found):
        for one in wanted:
            if one not in found and not any(value == one for _, value in self.left_out):
                self.wrong.append(f"{self.file}: {field}: lacks {one!r}")

    def entries(self, field, wanted, found):
        for key, value in wanted.items():
            if value is not None and found.get(key) != value and not self.listed(f"{field}.{key}"):
                self.wrong.append(f"{self.file}: {field}.{key}: wanted {value!r}, found {found.get(key)!r}")


def compare(file, definition, image, remarks):
    this = Comparison(file, remarks)
    text = lambda value: put(definition, value)
    tags = set(definition.get("tags") or [])
    own = set(image["tags"]) | {image["variant"]}
    this.within("tags", sorted(tags), own)
    this.equal("tags", sorted(own - tags - {image["variant"]}), [])
    contents = definition.get("contents") or {}
    packages(this, contents.get("packages") or [], image, remarks)
    this.entries("environment", {k: text(v) for k, v in (definition.get("environment") or {}).items()}, image["env"])
    for key, field in [("entrypoint", "entrypoint"), ("cmd", "cmd")]:
        wanted = [text(word) for word in definition.get(key) or []]
        if None not in wanted:
            this.equal(key, wanted, image[field])
    this.equal("work-dir", definition.get("work-dir", "/").rstrip("/") or "/", image["work_dir"])
    this.equal("stop-signal", definition.get("stop-signal"), image["stop_signal"])
    this.equal("ports", sorted(definition.get("ports") or []), sorted(image["ports"]))
    this.equal("name", definition.get("name", image["name"]), image["title"])
    dates = {k: v for k, v in (definition.get("dates") or {}).items() if re.fullmatch(r"\d{4}-\d\d-\d\d", v)}
    this.equal("dates", dates, image["dates"])
    this.entries("labels", definition.get("labels") or {}, image["labels"])
    annotations = dict(definition.get("annotations") or {})
    described = annotations.pop(DESCRIPTION, None)
    this.equal("annotations", described, image["description"] or image["annotations"].get(DESCRIPTION))
    licensed = annotations.pop(LICENSES, None)
    this.equal("annotations", licensed, image["license"] or image["annotations"].get(LICENSES))
    this.entries("annotations", annotations, image["annotations"])
    accounts(this, definition.get("accounts") or {}, image)
    os_release(this, definition, image)
    paths(this, definition, image, text)
    return this.wrong


def packages(this, listed, image, remarks):
    wanted = {one for one in listed if not one.startswith("!")}
    pinned = {re.split("[=~<>]", one)[0] for one in wanted if re.search("[=~<>]", one)}
    wanted -= pinned
    found = {one["value"] for one in image["packages"]}
    this.within("contents.packages", sorted(wanted), found)
    added = " ".join(r["reason"] for r in remarks if r["kind"] == "added")
    this.equal("contents.packages", [one for one in sorted(found - wanted - pinned) if not re.search(rf"(^|[ ,]){re.escape(one)}($|[,;])", added)], [])
    this.within("contents.packages", [one[1:] for one in listed if one.startswith("!")], {one["value"] for one in image["exclude"]})


def accounts(this, said, image):
    for user in said.get("users") or []:
        found = image["users"].get(user["name"], {})
        this.equal("accounts.users", [user["uid"], user["gid"]], [str(found.get("uid")), str(found.get("gid"))])
    primary = {user["name"]: user["gid"] for user in said.get("users") or []}
    for group in said.get("groups") or []:
        found = image["groups"].get(group["name"], {})
        this.equal("accounts.groups", group["gid"], str(found.get("gid")))
        members = [one for one in group.get("members") or [] if primary.get(one) != group["gid"]]
        this.equal("accounts.groups", sorted(set(members)), sorted(found.get("members", [])))
    if "run-as" in said:
        this.equal("accounts.run-as", said["run-as"], image["run_as"]["value"])
    ids = [user["uid"] for user in image["users"].values()]
    this.equal("accounts", len(ids), len(set(ids)))


def os_release(this, definition, image):
    release = dict(definition["os-release"])
    known = {"id": image["distro"]["family"], "version-id": image["distro"]["release"]}
    known["version-codename"] = CODENAMES.get(image["distro"]["release"])
    wanted = {k.upper().replace("-", "_"): v for k, v in release.items() if known.get(k) != v}
    this.entries("os-release", wanted, image["os_release"])


def paths(this, definition, image, text):
    ids = lambda table: {str(one["uid" if "uid" in one else "gid"]): name for name, one in table.items()}
    users, groups = ids(image["users"]), ids(image["groups"])
    last = {}
    for entry in definition.get("paths") or []:
        arches = {name.split("/")[1] for name in entry.get("platforms") or ["linux/amd64", "linux/arm64"]}
        if image["arch"] in arches and "if" not in entry:
            last[(text(entry["path"]) or "").rstrip("/") or "/"] = entry
    for path, entry in last.items():
        found = image["paths"].get(path, {}).get("value")
        kind = {"symlink": "symlink", "directory": "directory", "delete": "delete"}.get(entry["type"], "file")
        if entry["type"] == "file" and "content" not in entry:
            kind = "attrs" if found else None
        if kind is None or this.listed("paths"):
            continue
        if not found or (found["kind"] != kind and not (kind == "attrs" and found["kind"] == "file")):
            this.wrong.append(f"{this.file}: paths: {path} is {found!r}, wanted {kind}")
            continue
        if kind == "file":
            this.equal("paths.content", text(entry.get("content", "")), found["text"])
        if kind == "symlink":
            this.equal("paths.source", text(entry["source"]), found["target"])
        if kind in ("file", "directory", "attrs"):
            owner = found.get("owner") or "root"
            this.equal("paths.uid", entry.get("uid", "0"), next((n for n, name in users.items() if name == owner), owner.replace("root", "0")))
            first = next((str(u["gid"]) for name, u in image["users"].items() if name == owner), "0")
            group = found.get("group")
            number = next((n for n, name in groups.items() if name == group), group) if group else first
            this.equal("paths.gid", entry.get("gid", first), "0" if number == "root" else number)
            mode = {"directory": 0o755, "file": 0o644}.get(kind)
            if "mode" in entry or kind != "attrs":
                this.equal("paths.mode", int(entry["mode"], 8) if "mode" in entry else mode, found.get("mode") or mode)


def main():
    report = json.load(open(sys.argv[1]))
    shown = json.load(open(sys.argv[2]))
    images = [item for item in shown if "packages" in item]
    wrong, compared = [], 0
    for recipe in report["recipes"]:
        own = [image for image in images if image["name"] == recipe["name"]]
        for file in recipe["definitions"]:
            definition = yaml.load(open(file), Loader=yaml.BaseLoader)
            found = images_of(definition, own)
            arches = sorted(image["arch"] for image in found)
            if arches != sorted(platforms(definition)):
                wrong.append(f"{file}: is on {arches}")
            for image in found:
                wrong += compare(file, definition, image, recipe["remarks"])
                compared += 1
    print("\n".join(wrong))
    print(f"{compared} variants compared, {len(wrong)} differences", file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
