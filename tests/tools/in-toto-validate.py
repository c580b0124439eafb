"""Reads in-toto statements with the protobuf messages of in-toto-attestation and validates them."""

import sys

from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as file:
        message = json_format.Parse(file.read(), statement_pb2.Statement())
    Statement.copy_from_pb(message).validate()
