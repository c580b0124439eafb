#!/bin/bash
# lock-vs-apt.sh   `hbuild lock`, indexes already fetched, against apt's solver with a warm cache: trixie main,
# updates and security, for python3, build-essential and gnome. The two take turns.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/common.sh"
need apt-get curl awk

suite=trixie
mirror=$bench_cache/mirror
state=$bench_cache/apt-$suite-all
mirror_dists "$mirror" debian "$suite"
mirror_dists "$mirror" debian "$suite-updates"
mirror_dists "$mirror" debian-security "$suite-security"
apt_state "$state" \
  "deb [signed-by=$keyring] file:$mirror/debian $suite main" \
  "deb [signed-by=$keyring] file:$mirror/debian $suite-updates main" \
  "deb [signed-by=$keyring] file:$mirror/debian-security $suite-security main"
settings=(env HBUILD_STORE="$work/store" HBUILD_DEBIAN_MIRROR="file:$mirror/debian"
  HBUILD_DEBIAN_SECURITY_MIRROR="file:$mirror/debian-security")
solver=(env APT_CONFIG="$state/apt.conf" apt-get -qq -y --print-uris install)

for package in python3 build-essential gnome; do
  mkdir "$work/$package"
  recipe=$work/$package/bench.hb
  cat > "$recipe" <<X
hbuild 1

for distro in [debian("13")], flavor in [dev], arch in [amd64]

image bench {
  for distro, flavor, arch
  packages = ["$package"]
}
X
  "${settings[@]}" "$hbuild" lock "$recipe" > /dev/null 2>&1 || die "hbuild lock $package fails"
  "${solver[@]}" "$package" > /dev/null
  for ((run = 0; run < bench_runs; run++)); do
    rm -f "$work/$package/hbuild.lock"
    once "apt-$package" "${solver[@]}" "$package"
    once "hbuild-$package" "${settings[@]}" "$hbuild" lock "$recipe"
  done
  echo "$package: $(grep -c '^\[\[package\]\]' "$work/$package/hbuild.lock") packages," \
    "apt has $("${solver[@]}" "$package" | grep -c '_.*\.deb ')"
done

for package in python3 build-essential gnome; do
  report "apt-$package"
  report "hbuild-$package"
  ratio "apt-$package" "hbuild-$package" 3
done
