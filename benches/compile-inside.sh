#!/bin/bash
# compile-inside.sh   a C project of a hundred files, `make -j2` in the sandbox against the same in a chroot of the
# same root with the same folder in memory. The two take turns, and each tells of make alone the time and the
# processor time, which counts where the machine has other work. Needs root, for the chroot.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/common.sh"
. "$bench_root/benches/sets.sh"
need apt-get curl awk chroot
[ "$(id -u)" = 0 ] || die "needs root"

tools=(bash coreutils gcc libc6-dev make)
mirror_dists "$mirror" debian "$suite"
apt_state "$state" "$source_line"
mirror_pool "$mirror" "$state" "${tools[@]}"
export HBUILD_DEBIAN_MIRROR="file:$mirror/debian" HBUILD_STORE="$work/store" HBUILD_MIRROR_FALLBACK=off

# A hundred files of a few hundred lines with headers, and a program of all of them.
mkdir -p "$work/recipe/project"
for ((file = 0; file < 100; file++)); do
  {
    printf '#include <%s>\n' stdio.h stdlib.h string.h math.h stdint.h unistd.h sys/types.h sys/stat.h
    for ((function = 0; function < 30; function++)); do
      cat << C
static int f${file}_$function(int n, const char *text) {
  char buffer[64]; int sum = n;
  for (int i = 0; i < n; i++) { switch ((i * $((function + 7))) % 5) {
    case 0: sum += i; break; case 1: sum ^= i << 3; break; case 2: sum -= (int)strlen(text); break;
    default: snprintf(buffer, sizeof buffer, "%d %s", sum, text); sum += buffer[i % 8]; } }
  return sum;
}
C
    done
    echo "int g$file(int n) { int sum = 0;"
    for ((function = 0; function < 30; function++)); do echo "sum += f${file}_$function(n, \"$function\");"; done
    echo "return sum; }"
  } > "$work/recipe/project/part$file.c"
done
{
  for ((file = 0; file < 100; file++)); do echo "int g$file(int);"; done
  echo "int main(void) { int sum = 0;"
  for ((file = 0; file < 100; file++)); do echo "sum += g$file(3);"; done
  echo "return sum == 0; }"
} > "$work/recipe/project/main.c"
cat > "$work/recipe/project/Makefile" << 'M'
OBJECTS = $(patsubst %.c,%.o,$(sort $(wildcard *.c)))
program: $(OBJECTS)
	gcc -o $@ $(OBJECTS)
%.o: %.c
	gcc -O2 -c -o $@ $<
M
timed='TIMEFORMAT="%R %U %S"; { time make -j2 > /dev/null; }'
recipe=$work/recipe/bench.hb
printf -v list '"%s", ' "${tools[@]}"
cat > "$recipe" << X
hbuild 1
import std/debian

for distro in [debian("13")], arch in [amd64]

source project {
  path    = "project"
  license = "0BSD"
}

build bench {
  for distro, arch
  repositories = debian.main(distro)
  tools        = [${list%, }]
  source       = project
  env          = { RUN = "none" }
  script       = """
    $timed 2> "\$OUT/seconds"
  """
}
X
"$hbuild" lock "$recipe" > "$work/lock.log" 2>&1 || { cat "$work/lock.log" >&2; die "hbuild lock fails"; }

# taken NAME   what bash's `time` said at the end of standard input goes to $work/NAME and $work/NAME-cpu
taken() {
  local wall user system
  read -r wall user system < <(tail -n 1)
  echo "$wall 0" >> "$work/$1"
  awk -v one="$user" -v two="$system" 'BEGIN {print one + two, 0}' >> "$work/$1-cpu"
}

# inside RUN   a run is another derivation by its environment
inside() {
  sed -i "s/RUN = \".*\"/RUN = \"$1\"/" "$recipe"
  rm -rf "$work/out"
  "$hbuild" build "$recipe" -o "$work/out" --jobs 2 > "$work/build.log" 2>&1 || { tail -30 "$work/build.log" >&2; die "hbuild build fails"; }
  find "$work/out" -name seconds -exec cat {} + | taken inside
}

# The root that the sandbox has, with a folder in memory for the project.
outside() {
  local roots=("$work"/store/exec/*-*/)
  unshare -m --propagation private bash -euc '
    mount -t tmpfs none "$1/build"; mount -t tmpfs none "$1/tmp"; mount --rbind /dev "$1/dev"
    cp -r "$2" "$1/build/src"
    exec chroot "$1" /usr/bin/env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 TZ=UTC \
      bash -euc "cd /build/src; $3"' bash "${roots[0]}" "$work/recipe/project" "$timed" 2>&1 |
    taken outside
}

inside first
rm -f "$work"/inside "$work"/inside-cpu
for ((run = 0; run < bench_runs; run++)); do
  inside "$run"
  outside
done
for kind in '' -cpu; do
  report "inside$kind"
  report "outside$kind"
  awk -v inside="$(median "inside$kind")" -v outside="$(median "outside$kind")" -v kind="$kind" 'BEGIN {
    printf "%-28s %+.1f %% (wanted: at most 3 %%) %s\n", "inside / outside " kind, (inside / outside - 1) * 100, inside <= 1.03 * outside ? "ok" : "MISSED"}'
done
