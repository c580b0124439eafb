#!/bin/bash
# graph-vs-nix.sh   independent trivial derivations on two cores, the same run again, and a chain, against Nix with
# `sandbox = true`. Environment: BUSYBOX, a static busybox; BENCH_NIX, a command that runs a script in a place with
# Nix (nothing: `nix-build` of this machine), to which the path of a folder in memory is given as NIX_FOLDER.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/sandbox.sh"
read -ra nix <<< "${BENCH_NIX:-}"
counts=${BENCH_COUNTS:-1000 10000}

# Nix's side, made a file because it may run elsewhere: SHAPE and COUNT to microseconds each, and those of a no-op.
cat > "$work/nix.sh" <<'N'
set -eu
shape=$1 count=$2 folder=${NIX_FOLDER:-/dev/shm}/hbuild-bench.$$
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
mkdir -p "$folder/bin"
cp "$3" "$folder/bin/sh"
cat > "$folder/graph.nix" <<E
{ n, salt }: let bin = builtins.path { path = $folder/bin; name = "bin"; };
 make = name: text: derivation { inherit name; system = builtins.currentSystem; builder = "\${bin}/sh"; args = [ "-c" text ]; };
in if "$shape" == "chain" then [ (builtins.foldl' (before: i: make "n\${toString i}" "read line < \${before}; echo \$line > \$out")
    (make "first" "echo \${salt} > \$out") (builtins.genList (i: i) n)) ]
 else builtins.genList (i: make "n\${toString i}" "echo \${toString i}\${salt} > \$out") n
E
run() {
  local from=${EPOCHREALTIME/[.,]/}
  nix-build --store "$folder/store" --option build-users-group "" --option sandbox true --option sandbox-fallback false \
    --option max-jobs 2 --option substitute false --no-out-link "$folder/graph.nix" --argstr salt "$$" --arg n "$count" \
    > /dev/null 2> "$folder/log" || { tail -3 "$folder/log" >&2; exit 1; }
  echo $((${EPOCHREALTIME/[.,]/} - from))
}
whole=$(run)
again=$(run)
echo "$((whole / count)) $again"
N

nix_each() {
  local out
  out=$("${nix[@]}" bash "$work/nix.sh" "$2" "$3" "$busybox")
  echo "${out% *}" >> "$work/nix-$1-each"
  echo "${out#* }" >> "$work/nix-$1-no-op"
}

for ((run = 0; run < bench_runs; run++)); do
  sandbox hbuild-chain 2 chain 200
  nix_each chain chain 200
  for count in $counts; do
    sandbox "hbuild-$count" 2 independent "$count"
  done
  # Nix is linear: a tenth of it tells as much.
  nix_each 100 independent 100
done
figures nix-100-each nix-100-no-op nix-chain-each hbuild-chain-each hbuild-chain-run hbuild-chain-ingest hbuild-chain-rest
below_us hbuild-chain-each 6000
at_most hbuild-chain-each nix-chain-each 0.29
for count in $counts; do
  figures "hbuild-$count-each" "hbuild-$count-run" "hbuild-$count-ingest" "hbuild-$count-rest" "hbuild-$count-no-op"
  at_most "hbuild-$count-each" nix-100-each 0.2
done
below_us "hbuild-${counts%% *}-no-op" 30000
