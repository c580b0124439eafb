"""Writes a definition that has every field of the schema, each with a value of its own: import-markers.py SCHEMA
DEFINITION MARKERS. The third file gets the values, one a line with its field.
"""

import json
import sys

import yaml

# Values that decide what becomes of others.
FIXED = {
    "image": "dhi.io/marked",
    "variant": "runtime",
    "os-release.id": "debian",
    "os-release.version-id": "13",
    "dates.release": "2026-01-02",
}


class Marked:
    def __init__(self):
        self.count = 0
        self.markers = []

    def value(self, schema, field):
        if field in FIXED:
            return FIXED[field]
        self.count += 1
        for many in ("oneOf", "anyOf"):
            if many in schema and "properties" not in schema and schema.get("type") != "string":
                return self.value(schema[many][-1], field)
        kind = schema.get("type")
        if "enum" in schema:
            return schema["enum"][0]
        if kind == "object":
            if "properties" in schema:
                return {key: self.value(inner, f"{field}.{key}".lstrip(".")) for key, inner in schema["properties"].items()}
            return {f"KEY{self.count}": self.value({"type": "string"}, field + ".KEY")}
        if kind == "array":
            items = schema.get("items", {"type": "string"})
            return [self.value(one, field) for one in items.get("oneOf", [items])]
        if kind == "boolean":
            self.markers.append((field, None))
            return True
        if kind == "integer":
            number = 40000 + self.count
            self.markers.append((field, str(number)))
            return number
        text = f"mark{self.count}"
        self.markers.append((field, text))
        return text


def main():
    schema = json.load(open(sys.argv[1]))
    marked = Marked()
    definition = marked.value(schema, "")
    with open(sys.argv[2], "w") as out:
        yaml.safe_dump(definition, out, sort_keys=False)
    with open(sys.argv[3], "w") as out:
        out.writelines(f"{field}\t{text or ''}\n" for field, text in marked.markers)


main()
