# common.sh   sourced by the other scripts: where things are, a partial Debian mirror, repeated measurement.
#
# Environment: HBUILD, the program (target/release/hbuild by default, which is built if it is not there);
# BENCH_CACHE, what is downloaded once ($XDG_CACHE_HOME/hbuild-benches); BENCH_RUNS, repetitions (5).
set -euo pipefail
export LC_ALL=C.UTF-8

bench_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bench_cache=${BENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hbuild-benches}
bench_runs=${BENCH_RUNS:-5}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p "$bench_cache"

hbuild=${HBUILD:-$bench_root/target/release/hbuild}
if [ ! -x "$hbuild" ] && [ -z "${bench_sandbox:-}" ]; then
  (cd "$bench_root" && cargo build --release --locked)
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
  echo "$*" >&2
  exit 1
}

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" > /dev/null || die "needs $tool"
  done
  [ -r "$keyring" ] || die "needs debian-archive-keyring"
}

# What to download from: this machine's mirrors, read before a script sets others for hbuild.
upstream_debian=${HBUILD_DEBIAN_MIRROR:-}
upstream_debian=${upstream_debian%%[ ,]*}
if [ -z "$upstream_debian" ]; then
  upstream_debian=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2> /dev/null |
    awk '/^URIs:.*\/debian\/?$/ {print $2; exit}
         /^deb .*\/debian\/? / {for (i = 2; i <= NF; i++) if ($i ~ /^http/) {print $i; exit}}' || true)
fi
upstream_debian=${upstream_debian:-http://ftp.debian.org/debian}
upstream_debian=${upstream_debian%/}
upstream_security=${HBUILD_DEBIAN_SECURITY_MIRROR:-${upstream_debian%/debian}/debian-security}
upstream_security=${upstream_security%%[ ,]*}

# upstream REPOSITORY   the mirror of `debian` or `debian-security`
upstream() {
  if [ "$1" = debian-security ]; then echo "$upstream_security"; else echo "$upstream_debian"; fi
}

# fetch URL FILE   downloads once
fetch() {
  [ -s "$2" ] && return
  mkdir -p "$(dirname "$2")"
  curl -sfL --retry 3 -o "$2.part" "$1" || die "cannot download $1"
  mv "$2.part" "$2"
}

# mirror_dists DIR REPOSITORY SUITE   the archive's own InRelease and amd64 main index, so that DIR/REPOSITORY is
# a mirror that lacks only package files; signatures stay valid
mirror_dists() {
  local base folder index line hash
  base=$(upstream "$2")
  folder=$1/$2/dists/$3
  fetch "$base/dists/$3/InRelease" "$folder/InRelease"
  for index in main/binary-amd64/Packages.xz; do
    line=$(awk -v path="$index" '/^SHA256:/ {on = 1; next} /^[^ ]/ {on = 0} on && $3 == path {print $1}' "$folder/InRelease")
    hash="$folder/${index%/*}/by-hash/SHA256/$line"
    fetch "$base/dists/$3/${index%/*}/by-hash/SHA256/$line" "$hash"
    ln -f "$hash" "$folder/$index"
  done
}

# apt_state DIR SOURCE…   a private apt with an empty dpkg status over the given sources, updated
apt_state() {
  local state=$1
  shift
  mkdir -p "$state"/etc/apt/{apt.conf.d,preferences.d,sources.list.d,trusted.gpg.d} \
    "$state"/var/lib/apt/lists/partial "$state"/var/lib/dpkg "$state"/var/cache/apt/archives/partial
  : > "$state/var/lib/dpkg/status"
  printf '%s\n' "$@" > "$state/etc/apt/sources.list"
  cat > "$state/apt.conf" <<X
Dir "$state";
Dir::State::status "$state/var/lib/dpkg/status";
Dir::Etc "etc/apt";
Dir::Bin::Methods "/usr/lib/apt/methods";
APT::Architecture "amd64";
APT::Architectures "amd64";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
X
  APT_CONFIG=$state/apt.conf apt-get -qq update
}

# mirror_pool DIR STATE PACKAGE…   the package files that apt would install, into DIR/debian
mirror_pool() {
  local folder=$1 state=$2 file
  shift 2
  APT_CONFIG=$state/apt.conf apt-get --print-uris -qq install "$@" | sed -n "s/^'[a-z]*:\(\/\/\)\?[^']*\/debian\/\(pool[^']*\)'.*/\2/p" |
    sed 's/%2b/+/g; s/%7e/~/g; s/%3a/:/g' > "$work/pool"
  [ -s "$work/pool" ] || die "apt installs nothing for $*"
  while read -r file; do
    fetch "$(upstream debian)/$file" "$folder/debian/$file"
  done < "$work/pool"
}


# once NAME COMMAND…   runs it, appends wall seconds and peak KiB to $work/NAME
once() {
  local name=$1 from to
  shift
  from=${EPOCHREALTIME/[.,]/}
  if ! /usr/bin/time -f '%M' -o "$work/peak" "$@" > "$work/$name.log" 2>&1; then
    tail -20 "$work/$name.log" >&2
    die "$name failed: $*"
  fi
  to=${EPOCHREALTIME/[.,]/}
  awk -v us=$((to - from)) '{printf "%.4f %d\n", us / 1000000, $1}' <(tail -1 "$work/peak") >> "$work/$name"
}

# median NAME [COLUMN]
median() {
  sort -n -k "${2:-1},${2:-1}" "$work/$1" | awk -v column="${2:-1}" '{value[NR] = $column}
    END {print NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2}'
}

# report NAME   one line: median, fastest, slowest, peak memory
report() {
  sort -n "$work/$1" | awk -v name="$1" -v median="$(median "$1")" '
    {value[NR] = $1; if ($2 > peak) peak = $2}
    END {printf "%-28s median %8.3f s   %8.3f .. %8.3f s   peak %6.1f MiB   (%d runs)\n", name, median, value[1], value[NR], peak / 1024, NR}'
}

# ratio PEER OURS [WANTED]
ratio() {
  awk -v peer="$(median "$1")" -v ours="$(median "$2")" -v wanted="${3:-}" -v names="$1 / $2" '
    BEGIN {printf "%-28s %.2f times%s\n", names, peer / ours, wanted == "" ? "" : sprintf(" (wanted: %s) %s", wanted, peer / ours >= wanted ? "ok" : "MISSED")}'
}

# below NAME SECONDS
below() {
  awk -v ours="$(median "$1")" -v wanted="$2" -v name="$1" '
    BEGIN {printf "%-28s %.1f ms (wanted: under %.0f ms) %s\n", name, ours * 1000, wanted * 1000, ours < wanted ? "ok" : "MISSED"}'
}
