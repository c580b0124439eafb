#!/bin/bash
# push.sh [LAYOUT:NAME]   a first push and the push of an unchanged image to docker-registry, against `skopeo copy` and
# `crane push` of the image alone, and `oras cp -r` with its referrers. Without LAYOUT it is minbase with python3 and perl.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/common.sh"
need docker-registry skopeo jq

image=${1:-}
if [ -z "$image" ]; then
  . "$bench_root/benches/sets.sh"
  need apt-get curl xz awk
  prepare_sets
  packages=("${minbase[@]}" python3 perl)
  mirror_pool "$mirror" "$state" "${packages[@]}"
  export HBUILD_DEBIAN_MIRROR="file:$mirror/debian" HBUILD_STORE="$work/store"
  write_recipe "$work/minbase.hb" minbase full "${packages[@]}"
  "$hbuild" lock "$work/minbase.hb" > /dev/null 2>&1 || die "hbuild lock fails"
  "$hbuild" build "$work/minbase.hb" -o "$work/out" > /dev/null 2>&1 || die "hbuild build fails"
  name=$(jq -r '[.manifests[] | select(.mediaType | endswith("index.v1+json")).annotations["org.opencontainers.image.ref.name"]
    | select(startswith("sha256-") | not)][0]' "$work/out/minbase/index.json")
  image=$work/out/minbase:$name
fi

port=$((20000 + RANDOM % 20000))
cat > "$work/registry.yml" <<X
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: "127.0.0.1:$port"}
X
docker-registry serve "$work/registry.yml" > "$work/registry.log" 2>&1 &
registry=$!
trap 'kill $registry; rm -rf "$work"' EXIT
for ((try = 0; try < 100; try++)); do
  (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break
  sleep 0.1
done

# crane takes a layout with nothing but the image.
skopeo --insecure-policy copy -q --all "oci:$image" "oci:$work/alone:x"
crane=$(command -v crane || true)
oras=$(command -v oras || true)
echo "image: $(du -shL "$work/alone" | cut -f1)"
for ((run = 0; run < bench_runs; run++)); do
  # A registry without what other runs sent: else blobs would be there under other names.
  rm -rf "$work/registry"
  mkdir "$work/registry"
  for when in first unchanged; do
    to=127.0.0.1:$port/$run
    once "hbuild-$when" "$hbuild" push --json "$image" "$to/hbuild:x"
    jq -rs '.[0] // empty' < <(sed -n '/^{/,/^}/p' "$work/hbuild-$when.log") > "$work/sent-$when"
    once "skopeo-$when" skopeo --insecure-policy copy -q --all --dest-tls-verify=false "oci:$image" "docker://$to/skopeo:x"
    [ -z "$crane" ] || once "crane-$when" crane push --insecure "$work/alone" "$to/crane:x"
    [ -z "$oras" ] || once "oras-$when" oras cp -r --from-oci-layout --to-plain-http "$image" "$to/oras:x"
  done
done
for when in first unchanged; do
  for peer in hbuild skopeo crane oras; do
    [ ! -f "$work/$peer-$when" ] || report "$peer-$when"
  done
  for peer in skopeo crane oras; do
    [ ! -f "$work/$peer-$when" ] || ratio "$peer-$when" "hbuild-$when"
  done
  jq -r --arg when "$when" '"sent by hbuild, \($when): \(.blobs.sent) blobs, \(.bytes) bytes, \(.manifests.sent) manifests, \(.evidence.sent) pieces of evidence"' \
    "$work/sent-$when"
done
echo "wanted: unchanged sends no blob and no manifest"
