# sets.sh   sourced: the package sets, their mirror and their recipes. Sets `mirror`, `state` and `source_line`.

nine=(base-files netbase tzdata ca-certificates libc6 libssl3t64 libgcc-s1 libstdc++6 media-types)
suite=trixie
mirror=$bench_cache/mirror
state=$bench_cache/apt-$suite
source_line="deb [signed-by=$keyring] file:$mirror/debian $suite main"

# The index is pinned by what is in the cache: remove the folder to measure a newer one.
prepare_sets() {
  mirror_dists "$mirror" debian "$suite"
  apt_state "$state" "$source_line"
  # What mmdebstrap's variant minbase installs: essential and required packages, and apt.
  mapfile -t minbase < <(xz -dc "$mirror/debian/dists/$suite/main/binary-amd64/Packages.xz" | awk '
    /^Package:/ {name = $2; wanted = 0} /^Essential: yes/ || /^Priority: required/ {wanted = 1}
    /^$/ {if (wanted) print name}' | sort -u; echo apt)
  mirror_pool "$mirror" "$state" "${minbase[@]}"
  mirror_pool "$mirror" "$state" "${nine[@]}"
}

# write_recipe FILE NAME RESOLVE PACKAGE…
write_recipe() {
  local file=$1 name=$2 resolve=$3 list
  shift 3
  printf -v list '"%s", ' "$@"
  cat > "$file" <<X
hbuild 1
import std/debian

for distro in [debian("13")], flavor in [dev], arch in [amd64]

image $name {
  for distro, flavor, arch
  repositories = debian.main(distro)
  packages = [${list%, }]
  resolve = $resolve
  run-as = "root"
  env.MARK = "one"
  waive elf-library { because = "a bench: the set is taken as it is" }
  waive elf-interpreter { because = "a bench: the set is taken as it is" }
  waive setuid { because = "a bench: the set is taken as it is" }
}
X
}

