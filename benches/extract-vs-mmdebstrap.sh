#!/bin/bash
# extract-vs-mmdebstrap.sh   empty store to OCI layout against mmdebstrap, of the same packages from the same
# local mirror: nine packages (mmdebstrap --variant=extract), then the minbase closure (mmdebstrap minbase).
# The two take turns, because machines drift.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/common.sh"
. "$bench_root/benches/sets.sh"
need apt-get curl mmdebstrap xz awk

prepare_sets

settings=(env HBUILD_DEBIAN_MIRROR="file:$mirror/debian" HBUILD_STORE="$work/store")
write_recipe "$work/nine.hb" nine listed "${nine[@]}"
mkdir "$work/full"
write_recipe "$work/full/minbase.hb" minbase full "${minbase[@]}"
once lock-nine "${settings[@]}" "$hbuild" lock "$work/nine.hb"
once lock-minbase "${settings[@]}" "$hbuild" lock "$work/full/minbase.hb"

mode=--mode=auto
[ "$(id -u)" != 0 ] || mode=--mode=root
peer=(mmdebstrap "$mode" --format=tar --architectures=amd64 --aptopt='Acquire::Check-Valid-Until "false"'
  --aptopt='Acquire::Languages "none"')
printf -v include '%s,' "${nine[@]}"

for ((run = 0; run < bench_runs; run++)); do
  rm -rf "$work/store" "$work/out" "$work/peer.tar"
  once mmdebstrap-extract "${peer[@]}" --variant=extract --include="${include%,}" "$suite" "$work/peer.tar" "${source_line/file:/copy:}"
  once hbuild-nine "${settings[@]}" "$hbuild" build "$work/nine.hb" -o "$work/out"
done
for ((run = 0; run < bench_runs; run++)); do
  rm -rf "$work/store" "$work/out" "$work/peer.tar"
  once mmdebstrap-minbase "${peer[@]}" --variant=minbase "$suite" "$work/peer.tar" "${source_line/file:/copy:}"
  once hbuild-minbase "${settings[@]}" "$hbuild" build "$work/full/minbase.hb" -o "$work/out"
done

# Where the time goes: the parts that any tool has, one after another on one thread.
parts() {
  local file
  rm -rf "$work/tree"
  mkdir "$work/tree"
  while read -r file; do "$@" "$mirror/debian/$file"; done < "$work/pool"
}
decode() { dpkg-deb --fsys-tarfile "$1" > /dev/null; }
unpack() { dpkg-deb -x "$1" "$work/tree"; }
export -f parts decode unpack
export work mirror
APT_CONFIG=$state/apt.conf apt-cache show --no-all-versions "${nine[@]}" | awk '/^Filename:/ {print $2}' > "$work/pool"
once part-decode bash -c 'parts decode'
once part-unpack bash -c 'parts unpack'
once part-tar tar --sort=name --numeric-owner -cf "$work/tree.tar" -C "$work/tree" .
once part-zstd zstd -q -f -3 "$work/tree.tar" -o "$work/tree.tar.zst"

for name in mmdebstrap-extract hbuild-nine mmdebstrap-minbase hbuild-minbase lock-nine lock-minbase \
  part-decode part-unpack part-tar part-zstd; do
  report "$name"
done
ratio mmdebstrap-extract hbuild-nine 6
ratio mmdebstrap-minbase hbuild-minbase 5
