"""sigstore-bundle FILE   parses a sigstore bundle as sigstore's own clients do, and prints the key's hint, then the payload."""

import base64
import sys

from sigstore_models.bundle.v1 import Bundle

with open(sys.argv[1], "rb") as file:
    bundle = Bundle.from_json(file.read())
print(bundle.verification_material.public_key.hint)
payload = bundle.dsse_envelope.payload
sys.stdout.flush()
sys.stdout.buffer.write(payload if payload.startswith(b"{") else base64.b64decode(payload))
