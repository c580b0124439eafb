# sandbox.sh   sourced by the benches of the sandbox: builds benches/sandbox.rs, finds a static busybox, and keeps
# figures in microseconds. The stores are in memory where /dev/shm is, as Nix's are: disks would hide the rest.
bench_sandbox=1
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

busybox=${BUSYBOX:-$(command -v busybox || true)}
[ -n "$busybox" ] || die "needs a static busybox: set BUSYBOX"
! ldd "$busybox" > /dev/null 2>&1 || die "$busybox is not static: set BUSYBOX"
bench=${SANDBOX_BENCH:-$(cd "$bench_root" && cargo build --profile "${BENCH_PROFILE:-bench}" --bench sandbox --message-format json |
  sed -n 's/.*"name":"sandbox".*"executable":"\([^"]*\)".*/\1/p')}
memory=$(mktemp -d -p /dev/shm 2> /dev/null || mktemp -d)
trap 'rm -rf "$work" "$memory"' EXIT

# sandbox NAME JOBS SHAPE COUNT   one run with an empty store; each of its figures goes to $work/NAME-FIGURE
sandbox() {
  local name value
  rm -rf "$memory/store"
  "$bench" "$memory/store" "$busybox" "$2" "$3" "$4" > "$work/figures" || die "the bench fails"
  while read -r name value; do
    echo "$value" >> "$work/$1-$name"
  done < "$work/figures"
}

# figures NAME…   one line for each: median, fastest, slowest
figures() {
  local name
  for name in "$@"; do
    sort -n "$work/$name" | awk -v name="$name" -v median="$(median "$name")" '{value[NR] = $1}
      END {printf "%-28s median %8.0f us   %8.0f .. %8.0f us   (%d runs)\n", name, median, value[1], value[NR], NR}'
  done
}

# at_most OURS PEER FACTOR   ours against that many times the peer's
at_most() {
  awk -v ours="$(median "$1")" -v peer="$(median "$2")" -v factor="$3" -v names="$1 / $2" '
    BEGIN {printf "%-28s %.2f times (wanted: at most %s) %s\n", names, ours / peer, factor, ours <= factor * peer ? "ok" : "MISSED"}'
}

# below_us NAME MICROSECONDS
below_us() {
  awk -v ours="$(median "$1")" -v wanted="$2" -v name="$1" '
    BEGIN {printf "%-28s %.0f us (wanted: under %d us) %s\n", name, ours, wanted, ours < wanted ? "ok" : "MISSED"}'
}
