"""Reads in-toto statements with the protobuf messages of in-toto-attestation and validates them; of a verification
summary and of test results the predicate too."""

import json
import sys

from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as file:
        text = file.read()
    message = json_format.Parse(text, statement_pb2.Statement())
    Statement.copy_from_pb(message).validate()
    predicate = json.loads(text)["predicate"]
    if message.predicate_type == "https://slsa.dev/verification_summary/v1":
        # The messages have no version of the verifier, and one level where SLSA 1.0 has a list of them.
        predicate["verifier"].pop("version", None)
        assert all(isinstance(level, str) for level in predicate.pop("verifiedLevels")), name
        summary = json_format.ParseDict(predicate, vsa_pb2.VerificationSummary())
        assert summary.verification_result in ("PASSED", "FAILED"), name
        assert summary.verifier.id and summary.resource_uri and summary.policy.digest, name
    if message.predicate_type == "https://in-toto.io/attestation/test-result/v0.1":
        result = json_format.ParseDict(predicate, test_result_pb2.TestResult())
        assert result.result == "PASSED" and result.passed_tests and result.configuration, name
