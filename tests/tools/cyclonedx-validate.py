"""Validates CycloneDX 1.6 JSON files strictly with the schemas that cyclonedx-python-lib ships."""

import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

failed = False
for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as file:
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read())
    if error:
        failed = True
        print(f"{name}: {error}")
sys.exit(failed)
