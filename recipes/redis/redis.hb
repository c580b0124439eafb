hbuild 1
import std/base
import std/c
import std/debian
import std/tag
import "tini.hb"

# A release is a commit, or an archive by its digest. Debian's pool has upstream's own archive of 8.0.
let releases = {
  "8.8" = {
    version = version("8.8.2")
    commit  = "c5031f43a7eaa0d96311746acf759ee6d6acb053"
    sha256  = none
    license = "AGPL-3.0-only"
    dates   = { release = "2026-05-25", end-of-life = none }
    distros = [alpine("3.24"), debian("13")]
  }
  "8.0" = {
    version = version("8.0.2")
    commit  = none
    sha256  = "caf3c0069f06fc84c5153bd2a348b204c578de80490c73857bee01d9b5d7401f"
    license = "AGPL-3.0-only"
    dates   = { release = "2025-05-02", end-of-life = none }
    distros = [alpine("3.19"), debian("13")]
  }
  "7.4" = {
    version = version("7.4.11")
    commit  = none
    sha256  = "e973da69febfea096ab94690b44bf976482788a1b5e070df373b4f27697d57d4"
    license = "SSPL-1.0"
    dates   = { release = "2024-07-29", end-of-life = "2026-11-30" }
    distros = [alpine("3.24"), debian("13")]
  }
}

for release in releases, distro in release.distros, flavor in [runtime, dev], arch in [amd64, arm64]

source redis-src {
  for release
  when release == "8.8" {
    git    = "https://github.com/redis/redis.git"
    commit = release.commit
  }
  when release != "8.8" {
    url = [
      "https://github.com/redis/redis/archive/refs/tags/{{release.version}}.tar.gz",
      "debian:pool/main/r/redis/redis_{{release.version}}.orig.tar.gz",
    ]
    sha256 = release.sha256
  }
  license = release.license
  purl    = "pkg:github/redis/redis@{{release.version}}"
  cpe     = "cpe:2.3:a:redis:redis:{{release.version}}:*:*:*:*:*:*:*"
}

# Programs for Alpine 3.19 are compiled on Debian, which has musl and no libraries for it: no TLS.
let on = match distro { alpine("3.19") => debian("12"), alpine("3.24") => distro, debian("13") => distro }

build redis-server {
  for release, distro, arch
  use c.compiler(distro, on = on)
  version = release.version
  tools   += ["g++", "pkgconf"]
  source  = redis-src
  env = c.hardening + {
    USE_SYSTEMD  = "no"
    OPTIMIZATION = "-O2"
    # Its makefile sets these itself, which arguments alone override.
    MAKEFLAGS = "MALLOC=libc DEBUG="
  }
  when on == distro {
    inputs = match distro { alpine => ["openssl-dev"], debian => ["libssl-dev"] }
    env.BUILD_TLS = "yes"
  }
  when on != distro {
    repositories = debian.main(on)
    use c.kernel-headers()
    # Of the library of C++, which is for glibc, its one file in C++ needs nothing but headers.
    step "without libstdc++" {
      script = """
        sed -i '/#include <iostream>/d' deps/fast_float/fast_float_strtod.cpp
        sed -i 's/ -lstdc++//' src/Makefile
      """
    }
  }
  step "compile" { script = """make -j"$JOBS" """ }
  step "install" {
    script = """
      make install PREFIX="$OUT/usr/local"
      install -D -m 0644 redis.conf "$OUT/etc/redis/redis.conf"
      echo 'include /etc/redis/conf.d/*.conf' >> "$OUT/etc/redis/redis.conf"
    """
  }
}

## Redis, an in-memory data store, with TLS and without modules. Its data is in /data.
image redis {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version = release.version
  license = release.license
  dates   = release.dates
  tags    = tag.image(release, among = releases, distro, flavor)
  packages += match distro {
    alpine("3.19") => ["musl"]
    alpine => ["libcrypto3", "libgcc", "libssl3", "libstdc++", "musl", "tini"]
    debian => ["libc6", "libssl3t64", "libstdc++6", "tini"]
  }
  contents = [redis-server]
  paths += {
    "/data" = directory(owner = "nonroot", group = "nonroot")
    "/run/redis" = directory(owner = "nonroot", group = "nonroot")
    "/var/lib/redis" = directory(owner = "nonroot", group = "nonroot")
    "/var/log/redis" = directory(owner = "nonroot", group = "nonroot")
    # Its own defaults keep to the machine, and ask for a password elsewhere.
    "/etc/redis/conf.d/container.conf" = file(
      text = "bind * -::*\nprotected-mode no\ndir /data\ndaemonize no\nlogfile \"\"\npidfile \"\"\n",
    )
  }
  when distro is alpine("3.19") { contents += [tini.program] }
  when distro is alpine("3.24") { paths += { "/usr/bin/tini" = symlink("/sbin/tini") } }
  env.REDIS_VERSION = "{{release.version}}"
  work-dir   = "/data"
  volumes    = ["/data"]
  entrypoint = ["/usr/bin/tini", "--"]
  cmd        = ["redis-server", "/etc/redis/redis.conf"]
  ports      = ["6379/tcp"]
  when flavor == dev {
    use base.dev(distro)
    cmd = ["redis-server", "/etc/redis/redis.conf"]
  }
  test "prints its version" { run = ["redis-server", "--version"]; stdout = contains(release.version) }
}
