"""Prints each package URL of a file as packageurl-python writes it."""

import sys

from packageurl import PackageURL

with open(sys.argv[1], encoding="utf-8") as file:
    for line in file.read().splitlines():
        print(PackageURL.from_string(line).to_string())
