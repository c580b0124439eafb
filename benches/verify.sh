#!/bin/bash
# verify.sh   a signed image of about 150 MB verified, against hashing its blobs and doing nothing else: with sha256sum
# and openssl one after the other, and with openssl two at once, as verify has two cores here.
#
# Environment: BENCH_IMAGE, a layout folder that is taken instead of the one that is built here.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/common.sh"
. "$bench_root/benches/sets.sh"
need jq xz awk openssl sha256sum xargs

image=${BENCH_IMAGE:-}
if [ -z "$image" ]; then
  need apt-get curl
  prepare_sets
  big=("${minbase[@]}" build-essential git python3)
  mirror_pool "$mirror" "$state" "${big[@]}"
  write_recipe "$work/big.hb" big full "${big[@]}"
  export HBUILD_DEBIAN_MIRROR="file:$mirror/debian" HBUILD_STORE="$work/store"
  "$hbuild" lock "$work/big.hb" > /dev/null 2>&1 || die "hbuild lock fails"
  "$hbuild" build "$work/big.hb" -o "$work/out" > "$work/build.log" 2>&1 || die "$(tail -20 "$work/build.log")"
  image=$work/out/big
fi
cp -r "$image" "$work/image"
HBUILD_PASSPHRASE=bench "$hbuild" keygen -o "$work/bench" > /dev/null
HBUILD_PASSPHRASE=bench "$hbuild" sign "$work/image" --key "$work/bench.key" > /dev/null

verify() { "$hbuild" verify "$work/image" --key "$work/bench.pub"; }
# The blobs that verify reads: the layout holds this image alone.
find "$work/image/blobs" -type f > "$work/blobs"
size=$(xargs cat < "$work/blobs" | wc -c)
echo "$(wc -l < "$work/blobs") blobs, $((size / 1000000)) MB"

# openssl takes all blobs in one process; two of them get half of the bytes each.
: > "$work/half-0"; : > "$work/half-1"
xargs stat -c '%s %n' < "$work/blobs" | sort -rn | awk -v work="$work" '
  {half = sum[0] <= sum[1] ? 0 : 1; sum[half] += $1; print $2 > (work "/half-" half)}'
one() { xargs openssl dgst -sha256 < "$work/blobs"; }
two() {
  xargs openssl dgst -sha256 < "$work/half-0" & local first=$!
  xargs openssl dgst -sha256 < "$work/half-1" && wait "$first"
}
coreutils() { xargs sha256sum < "$work/blobs"; }

# timed NAME FUNCTION   as `once`, for functions: without the peak of memory
timed() {
  local from to
  from=${EPOCHREALTIME/[.,]/}
  "$2" > "$work/$1.log" 2>&1 || die "$1 failed: $(tail -20 "$work/$1.log")"
  to=${EPOCHREALTIME/[.,]/}
  awk -v us=$((to - from)) 'BEGIN {printf "%.4f 0\n", us / 1000000}' >> "$work/$1"
}

deep() { "$hbuild" verify "$work/image" --key "$work/bench.pub" --deep; }
for ((run = 0; run < bench_runs; run++)); do
  timed verify verify
  timed openssl-two-at-once two
  timed openssl one
  timed sha256sum coreutils
  timed verify-deep deep
done
for name in verify verify-deep openssl openssl-two-at-once sha256sum; do report "$name"; done
over() {
  awk -v ours="$(median verify)" -v peer="$(median "$1")" -v wanted="$2" -v name="verify / $1" '
    BEGIN {printf "%-28s %.2f times%s\n", name, ours / peer, wanted == "" ? "" : sprintf(" (wanted: at most %s) %s", wanted, ours / peer <= wanted ? "ok" : "MISSED")}'
}
over openssl-two-at-once 1.3
over openssl 1.3
over sha256sum 1.3
