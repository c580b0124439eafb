#!/bin/bash
# reproduce.sh   building an image of nine packages and reproducing it, both from an empty store with the packages in a
# local mirror, and reproducing it from a bundle. The three take turns, because machines drift.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/common.sh"
. "$bench_root/benches/sets.sh"
need apt-get curl xz awk

prepare_sets
mkdir "$work/recipe"
write_recipe "$work/recipe/nine.hb" nine listed "${nine[@]}"
export HBUILD_DEBIAN_MIRROR=file:$mirror/debian TMPDIR=$work
store=(env HBUILD_STORE="$work/store")
once lock "${store[@]}" "$hbuild" lock "$work/recipe"
once bundle "${store[@]}" "$hbuild" bundle "$work/recipe" -o "$work/nine.bundle"
once image "${store[@]}" "$hbuild" build "$work/recipe" -o "$work/layouts"

for ((run = 0; run < bench_runs; run++)); do
  rm -rf "$work/empty" "$work/out" "$work/said"
  once build env HBUILD_STORE="$work/empty" "$hbuild" build "$work/recipe" -o "$work/out"
  rm -rf "$work/empty"
  once reproduce-mirror env HBUILD_STORE="$work/empty" "$hbuild" reproduce "$work/layouts/nine" --recipe "$work/recipe" -o "$work/said"
  once reproduce-bundle env HBUILD_STORE="$work/empty" "$hbuild" reproduce "$work/layouts/nine" --bundle "$work/nine.bundle" -o "$work/said"
done

for name in lock bundle build reproduce-mirror reproduce-bundle; do
  report "$name"
done
ls -l "$work/nine.bundle" | awk '{printf "%-28s %.1f MiB\n", "size of the bundle", $5 / 1048576}'
ratio build reproduce-mirror 0.5
ratio build reproduce-bundle 0.5
