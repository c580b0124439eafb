#!/bin/bash
# alpine-image.sh   the packages of Alpine's minirootfs, from .apk files that are there and an empty store to an OCI
# layout, against `apk add --root`, tar and zstd -3 of the same. apk is the minirootfs' own, in a chroot, and its scripts
# run. The two take turns, because machines drift. Needs root and the folder ../shared/alpine.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/common.sh"
[ "$(id -u)" = 0 ] || die "needs root, for chroot"
shared=$bench_root/../shared/alpine
[ -d "$shared" ] || die "needs ../shared/alpine"
key=test@hbuild-5f000000.rsa.pub

mkdir "$work/mini" "$work/recipe" "$work/config" "$work/config/hbuild"
tar -xzf "$shared"/alpine-minirootfs-*-x86_64.tar.gz -C "$work/mini"
mapfile -t packages < <(sed -n 's/^P://p' "$work/mini/lib/apk/db/installed")
mkdir "$work/mini/mirror"
cp -r "$shared/v3.20" "$work/mini/mirror/"

cp "$shared/keys/$key" "$work/recipe/"
printf -v list '"%s", ' "${packages[@]}"
cat > "$work/recipe/bench.hb" << X
hbuild 1

for distro in [alpine("3.20")], flavor in [dev], arch in [amd64]

repository test {
  url        = "https://alpine.invalid/alpine"
  suite      = "v3.20"
  components = ["main"]
  key        = "$key"
}

image minirootfs {
  for distro, flavor, arch
  version      = "1"
  repositories = [test]
  packages     = [${list%, }]
}
X
printf 'mirror-fallback = false\n[mirrors]\ntest = ["file://%s"]\n' "$work/mini/mirror" > "$work/config/hbuild/config.toml"
export XDG_CONFIG_HOME=$work/config HBUILD_STORE=$work/store
once lock "$hbuild" lock "$work/recipe/bench.hb"

cat > "$work/peer.sh" << 'X'
set -e
mkdir -p mini/new/etc/apk/keys
cp recipe/*.pub mini/new/etc/apk/keys/
chroot mini /sbin/apk -q --root /new --initdb --no-cache --keys-dir /new/etc/apk/keys -X /mirror/v3.20/main add "$@"
tar --sort=name --numeric-owner -cf - -C mini/new . | zstd -q -3 -f -o peer.tar.zst
X
cd "$work"

for ((run = 0; run < bench_runs; run++)); do
  rm -rf "$work/store" "$work/out" "$work/mini/new"
  once apk-tar-zstd bash -o pipefail peer.sh "${packages[@]}"
  once hbuild "$hbuild" build "$work/recipe/bench.hb" -o "$work/out"
done

for name in apk-tar-zstd hbuild; do
  report "$name"
done
ratio apk-tar-zstd hbuild 1.5
