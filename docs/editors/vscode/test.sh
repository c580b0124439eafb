#!/bin/bash
# test.sh [--package]   installs what package-lock.json names, bundles and tests the extension; with --package it also
# makes dist/hbuild.vsix, for which a lot more is installed. Ends with 77, and says why, where Node or the registry of its
# packages is not to be had.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

skip() { echo "$1"; exit 77; }
command -v node > /dev/null && command -v npm > /dev/null || skip "no node or no npm on PATH"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || skip "node is older than 20"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
omit=(--omit=dev)
[ "${1:-}" != --package ] || omit=()
wanted="$(cat package-lock.json) ${omit[*]}"
if [ "$(cat node_modules/.installed 2> /dev/null || true)" != "$wanted" ]; then
  if ! timeout 300 npm ci "${omit[@]}" --prefer-offline --no-progress --fetch-retries=1 > "$log" 2>&1; then
    grep -qE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ENOTCACHED' "$log" && skip "npm's registry is out of reach"
    cat "$log"
    exit 1
  fi
  printf '%s\n' "$wanted" > node_modules/.installed
fi
npm run --silent bundle
npm test --silent
[ "${1:-}" != --package ] || npx vsce package --allow-missing-repository --skip-license --out dist/hbuild.vsix
