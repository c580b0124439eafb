hbuild 1
import std/base
import std/c
import std/tag

let releases = {
  "8.0" = {
    version = version("8.0.2")
    sha256  = "caf3c0069f06fc84c5153bd2a348b204c578de80490c73857bee01d9b5d7401f"
  }
}

for release in releases, distro in [debian("13")], flavor in [runtime, dev], arch in [amd64, arm64]

source redis-src {
  for release
  url = [
    "https://github.com/redis/redis/archive/refs/tags/{{release.version}}.tar.gz",
    "debian:pool/main/r/redis/redis_{{release.version}}.orig.tar.gz",
  ]
  sha256  = release.sha256
  license = "AGPL-3.0-only"
  purl    = "pkg:generic/redis@{{release.version}}"
  cpe     = "cpe:2.3:a:redis:redis:{{release.version}}:*:*:*:*:*:*:*"
}

build redis-server {
  for release, distro, arch
  version = release.version
  tools = c.toolchain(distro) + match distro {
    alpine => ["g++", "openssl-dev"]
    debian => ["g++", "libssl-dev"]
  }
  source = redis-src
  env = c.hardening + {
    BUILD_TLS    = "yes"
    USE_SYSTEMD  = "no"
    OPTIMIZATION = "-O2"
    # Its makefile sets these itself, which arguments alone override.
    MAKEFLAGS = "MALLOC=libc DEBUG="
  }
  step "compile" { script = """make -j"$JOBS" """ }
  step "install" {
    script = """
      make install PREFIX="$OUT/usr/local"
      install -D -m 0644 redis.conf "$OUT/etc/redis/redis.conf"
      mkdir "$OUT/etc/redis/conf.d"
      echo 'include /etc/redis/conf.d/*.conf' >> "$OUT/etc/redis/redis.conf"
    """
  }
}

## Redis, an in-memory data store, with TLS and without modules. Its data is in /data.
image redis {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version = release.version
  license = "AGPL-3.0-only"
  tags    = tag.semver(release, among = releases, distro, flavor)
  packages += match distro {
    alpine => ["libcrypto3", "libssl3", "libstdc++"]
    debian => ["libc6", "libssl3t64", "libstdc++6"]
  }
  contents = [redis-server]
  paths = {
    "/data" = directory(owner = "nonroot", group = "nonroot")
    "/etc/redis/conf.d/container.conf" = file(
      text = "bind * -::*\nprotected-mode no\ndir /data\npidfile \"\"\n",
    )
  }
  work-dir   = "/data"
  volumes    = ["/data"]
  entrypoint = ["/usr/local/bin/redis-server"]
  cmd        = ["/etc/redis/redis.conf"]
  ports      = ["6379/tcp"]
  when flavor == dev { use base.dev(distro) }
  test "prints its version" { run = ["redis-server", "--version"]; stdout = contains(release.version) }
}
