hbuild 1
import std/base
import std/c
import std/debian

for distro in [debian("12")], flavor in [runtime, dev], arch in [amd64, arm64]

let release = "1.2.0"

source service { path = "service" }

source motd { path = "motd" }

build hits-program {
  for distro, arch
  version      = release
  repositories = debian.main(distro)
  tools        = c.toolchain(distro)
  inputs       = ["libsqlite3-dev"]
  source       = service
  env          = c.hardening
  step "compile" { script = """make -j"$JOBS" """ }
  step "install" { script = """make install DESTDIR="$OUT" """ }
  check = "make check"
}

## Counts requests by path.
image hits {
  for distro, flavor, arch
  use base.runtime(distro)
  repositories = debian.main(distro)
  version      = release
  packages     += ["libc6", "libsqlite3-0"]
  contents     = [hits-program, motd.at("/etc")]
  users        = { hits = { uid = 1000, gid = 1000, home = "/data", shell = "/usr/sbin/nologin" } }
  groups       = { hits = { gid = 1000 } }
  paths        = { "/data" = directory(owner = "hits", group = "hits") }
  env          = { HITS_DATABASE = "/data/hits.db" }
  run-as       = "hits"
  work-dir     = "/data"
  volumes      = ["/data"]
  ports        = ["8080/tcp"]
  stop-signal  = "SIGINT"
  entrypoint   = ["/usr/local/bin/hits"]
  cmd          = ["8080"]
  when flavor == dev { use base.dev(distro) }
  test "counts" { run = ["/usr/local/bin/hits", "--check"]; stdout = contains("hits: ") }
}
