#!/bin/bash
# noop.sh   the minbase closure built again: unchanged, with another env value, with one package changed. Prints
# the times and which layers were rewritten.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/common.sh"
. "$bench_root/benches/sets.sh"
need apt-get curl jq xz awk

prepare_sets
# No `env` before the program: it would be measured too.
export HBUILD_DEBIAN_MIRROR="file:$mirror/debian" HBUILD_STORE="$work/store"
recipe=$work/minbase.hb
write_recipe "$recipe" minbase full "${minbase[@]}"

# layers NAME   the layer digests of the layout's first image, in order, into $work/layers-NAME
layers() {
  local layout=$work/out/minbase digest
  digest=$(jq -r '.manifests[0].digest' "$layout/index.json")
  while :; do
    jq . "$layout/blobs/${digest/://}" > "$work/manifest.json"
    digest=$(jq -r '.manifests[0].digest // empty' "$work/manifest.json")
    [ -n "$digest" ] || break
  done
  jq -r '.layers[].digest' "$work/manifest.json" > "$work/layers-$1"
}

"$hbuild" lock "$recipe" > /dev/null 2>&1 || die "hbuild lock fails"
once first "$hbuild" build "$recipe" -o "$work/out"
layers first
# What the first build wrote reaches the disk before the small ones are measured.
sync
for ((run = 0; run < 4 * bench_runs; run++)); do
  once no-op "$hbuild" build "$recipe" -o "$work/out"
done
layers no-op
for ((run = 0; run < 4 * bench_runs; run++)); do
  sed -i "s/env.MARK = .*/env.MARK = \"$run and more\"/" "$recipe"
  once env-changed "$hbuild" build "$recipe" -o "$work/out"
done
layers env

# One package less stands for one package changed: its layer and the generated one may differ, no other.
mapfile -t fewer < <(printf '%s\n' "${minbase[@]}" | grep -vx hostname)
write_recipe "$recipe" minbase full "${fewer[@]}"
"$hbuild" lock "$recipe" > /dev/null 2>&1 || die "hbuild lock fails"
once one-package "$hbuild" build "$recipe" -o "$work/out"
layers package

for name in first no-op env-changed one-package; do report "$name"; done
below no-op 0.020
below env-changed 0.040
for name in no-op env package; do
  rewritten=$(sort "$work/layers-$name" | comm -23 - <(sort "$work/layers-first") | wc -l)
  echo "layers rewritten, $name: $rewritten of $(wc -l < "$work/layers-$name")"
done
