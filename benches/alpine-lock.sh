#!/bin/bash
# alpine-lock.sh   `hbuild lock` of 80 packages, indexes already fetched, against `apk add --simulate` of the same:
# Alpine 3.19, main and community (23,030 packages), out of ../shared/alpine. The two take turns.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/common.sh"

alpine=${BENCH_ALPINE:-$bench_root/../shared/alpine}
[ -d "$alpine/v3.19" ] || die "needs the indexes of Alpine 3.19 (BENCH_ALPINE)"
root=$work/minirootfs
mkdir -p "$root" "$work/new/"{lib/apk/db,etc/apk,var/cache/apk,proc,dev,tmp}
tar -xzf "$alpine"/alpine-minirootfs-*.tar.gz -C "$root"
cp "$alpine"/keys/alpine-devel* "$root/etc/apk/keys/"
: > "$work/new/lib/apk/db/installed"
: > "$work/new/lib/apk/db/triggers"
: > "$work/new/etc/apk/world"
echo x86_64 > "$work/new/etc/apk/arch"
head -c 1024 /dev/zero > "$work/new/lib/apk/db/scripts.tar"
printf '%s\n' "$alpine/v3.19/main" "$alpine/v3.19/community" > "$work/new/etc/apk/repositories"
apk=("$root/lib/ld-musl-x86_64.so.1" --library-path "$root/lib:$root/usr/lib" "$root/sbin/apk"
  add --simulate --no-network --no-cache --root "$work/new" --keys-dir "$root/etc/apk/keys")

# Every 280th package of the indexes that can be installed beside those before it.
mapfile -t names < <(for part in main community; do
  tar -xzOf "$alpine/v3.19/$part/x86_64/APKINDEX.tar.gz" APKINDEX
done | sed -n 's/^P://p' | awk 'NR % 280 == 1' | sort -u)
packages=()
for name in "${names[@]}"; do
  [ ${#packages[@]} -lt 80 ] || break
  if "${apk[@]}" "${packages[@]}" "$name" > /dev/null 2>&1; then packages+=("$name"); fi
done

recipe=$work/bench.hb
printf -v list '"%s", ' "${packages[@]}"
cat > "$recipe" <<X
hbuild 1
import std/alpine

for distro in [alpine("3.19")], flavor in [dev], arch in [amd64]

image bench {
  for distro, flavor, arch
  repositories = alpine.all(distro)
  packages = [${list%, }]
}
X
settings=(env HBUILD_STORE="$work/store" HBUILD_ALPINE_MIRROR="file:$alpine")
"${settings[@]}" "$hbuild" lock "$recipe" > /dev/null 2> "$work/said" || die "hbuild lock fails: $(cat "$work/said")"
for ((run = 0; run < bench_runs; run++)); do
  rm -f "$work/hbuild.lock"
  once apk "${apk[@]}" "${packages[@]}"
  once hbuild "${settings[@]}" "$hbuild" lock "$recipe"
done
echo "${#packages[@]} packages asked for: $(grep -c '^\[\[package\]\]' "$work/hbuild.lock") locked," \
  "apk has $(grep -c 'Installing' "$work/apk.log")"
report apk
report hbuild
ratio apk hbuild 3
