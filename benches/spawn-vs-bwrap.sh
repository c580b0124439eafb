#!/bin/bash
# spawn-vs-bwrap.sh   one sandboxed derivation of a static `touch`, which makes the least that is an output, from
# ready to recorded, against a bare start of bwrap with /proc, /dev and /tmp. The two take turns. Needs no network.
# Environment: BUSYBOX, a static busybox.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/sandbox.sh"
command -v bwrap > /dev/null || die "needs bwrap"
count=${BENCH_COUNT:-200}

root=$work/root
mkdir -p "$root/usr/bin" "$root/proc" "$root/dev" "$root/tmp"
cp "$busybox" "$root/usr/bin/busybox"

# Microseconds a start, of COUNT one after another.
bwrap_each() {
  local from to i
  from=${EPOCHREALTIME/[.,]/}
  for ((i = 0; i < count; i++)); do
    bwrap --unshare-all --ro-bind "$root" / --proc /proc --dev /dev --tmpfs /tmp /usr/bin/busybox touch /tmp/x
  done
  to=${EPOCHREALTIME/[.,]/}
  echo $(((to - from) / count))
}

for ((run = 0; run < bench_runs; run++)); do
  bwrap_each >> "$work/bwrap"
  sandbox hbuild 1 touch "$count"
done
figures bwrap hbuild-each hbuild-run hbuild-ingest hbuild-rest
at_most hbuild-each bwrap 2
