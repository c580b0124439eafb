hbuild 1
import std/base
import std/c
import std/tag

let releases = {
  "8.8" = { version = version("8.8.2"), sha256 = "…", distros = [alpine("3.24"), debian("13")] }
  "7.4" = { version = version("7.4.11"), sha256 = "…", distros = [debian("13")] }
}

for release in releases, distro in release.distros, flavor in [runtime, dev], arch in [amd64, arm64]

source redis-src {
  for release
  url     = "https://download.redis.io/releases/redis-{{release.version}}.tar.gz"
  sha256  = release.sha256
  license = "AGPL-3.0-only"
  purl    = "pkg:generic/redis@{{release.version}}"
}

build redis-server {
  for release, distro, arch
  tools  = c.toolchain(distro) + match distro { alpine => ["openssl-dev"], debian => ["libssl-dev"] }
  source = redis-src
  env    = { BUILD_TLS = "yes", MALLOC = "libc" }
  step "compile" { script = """make -j"$JOBS" """ }
  step "install" {
    script = """
      make install PREFIX="$OUT/usr/local"
      install -D -m 0644 redis.conf "$OUT/etc/redis/redis.conf"
    """
  }
}

## Redis, an in-memory data store.
image redis {
  for release, distro, flavor, arch
  use base.runtime(distro)          # os-release, nonroot 65532, CA bundle, time zones
  version  = release.version
  tags     = tag.semver(release, among = releases, distro, flavor)
  packages = match distro { alpine => ["libssl3"], debian => ["libssl3t64"] }
  contents = [redis-server]
  paths = {
    "/data" = directory(owner = "nonroot")
    "/etc/redis/conf.d/docker.conf" = file(text = "daemonize no\nbind 0.0.0.0 -::1\n")
  }
  work-dir   = "/data"
  entrypoint = ["/usr/local/bin/redis-server"]
  cmd        = ["/etc/redis/redis.conf"]
  ports      = ["6379/tcp"]
  when flavor == dev { use base.dev(distro) }   # shell, package manager, run-as root
  test "prints its version" { run = ["redis-server", "--version"]; stdout = contains(release.version) }
  waive elf-relro { paths = ["/usr/local/bin/*"], because = "upstream's Makefile, issue 1234" }
}
