#!/bin/bash
# diff.sh   `hbuild diff` of two images that differ in one package, against unpacking both with umoci and `diff -r`.
# The images are minbase with python3 and perl, one of them without hostname: one package less stands for one changed.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/common.sh"
. "$bench_root/benches/sets.sh"
need apt-get curl jq xz awk skopeo umoci diff

prepare_sets
large=("${minbase[@]}" python3 perl)
mirror_pool "$mirror" "$state" "${large[@]}"
export HBUILD_DEBIAN_MIRROR="file:$mirror/debian" HBUILD_STORE="$work/store"
mapfile -t fewer < <(printf '%s\n' "${large[@]}" | grep -vx hostname)
for side in left right; do
  recipe=$work/$side.hb
  if [ "$side" = left ]; then packages=("${large[@]}"); else packages=("${fewer[@]}"); fi
  write_recipe "$recipe" minbase full "${packages[@]}"
  "$hbuild" lock "$recipe" > /dev/null 2>&1 || die "hbuild lock fails"
  "$hbuild" build "$recipe" -o "$work/$side" > /dev/null 2>&1 || die "hbuild build fails"
done

# differs COMMAND…   runs it; that it finds differences, with the status 1, is right. A program, for it is measured.
cat > "$work/differs" <<X
#!/bin/bash
"\$@" > "$work/found"
[ \$? = 1 ]
X
# unpacked   both images as folders, compared: the way without hbuild. umoci knows no zstd before 0.5.
cat > "$work/unpacked" <<X
#!/bin/bash
set -e
rm -rf "$work/umoci"
mkdir "$work/umoci"
for side in left right; do
  name=\$(jq -r '[.manifests[].annotations["org.opencontainers.image.ref.name"]] | map(select(endswith("-amd64")))[0]' "$work/\$side/minbase/index.json")
  skopeo --insecure-policy copy -q --dest-compress-format gzip --dest-compress-level 1 \
    "oci:$work/\$side/minbase:\$name" "oci:$work/umoci/\$side:x"
  umoci raw unpack --rootless --image "$work/umoci/\$side:x" "$work/umoci/\$side.root"
done
exec diff -r --no-dereference "$work/umoci/left.root" "$work/umoci/right.root"
X
chmod +x "$work/differs" "$work/unpacked"

for ((run = 0; run < bench_runs; run++)); do
  once hbuild-diff "$work/differs" "$hbuild" diff "$work/left/minbase" "$work/right/minbase"
  once hbuild-equal "$hbuild" diff "$work/left/minbase" "$work/left/minbase"
done
once umoci-diff "$work/differs" "$work/unpacked"

size=$("$hbuild" build "$work/left.hb" -o "$work/plain" --format docker > /dev/null 2>&1; du -sb "$work"/plain/*.tar | awk '{print $1}')
echo "each image has $((size / 1000000)) MB of files"
"$work/differs" "$hbuild" diff "$work/left/minbase" "$work/right/minbase"
head -20 "$work/found"
for name in hbuild-diff hbuild-equal umoci-diff; do report "$name"; done
below hbuild-diff 1
ratio umoci-diff hbuild-diff
