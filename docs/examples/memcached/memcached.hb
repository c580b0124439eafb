hbuild 1
import std/base
import std/c
import std/tag

let releases = {
  "1.6" = {
    version = version("1.6.45")
    sha256  = "d362c64e6d8d5287153501eabf7c85b4a761432fbf53f5d7b085d0bb1653c1dd"
  }
}

for release in releases, distro in [debian("13")], flavor in [runtime, dev], arch in [amd64, arm64]

source memcached-src {
  for release
  url     = "https://www.memcached.org/files/memcached-{{release.version}}.tar.gz"
  sha256  = release.sha256
  license = "BSD-3-Clause"
  purl    = "pkg:generic/memcached@{{release.version}}"
}

build memcached-build {
  for release, distro, arch
  tools  = c.toolchain(distro) + ["pkgconf"]
  inputs = ["libevent-dev", "libsasl2-dev", "libssl-dev"]
  source = memcached-src
  env    = c.hardening
  step "compile" {
    script = """
      ./configure --prefix=/usr --enable-sasl --enable-tls --disable-docs
      make -j"$JOBS"
    """
  }
  step "install" { script = """make install DESTDIR="$OUT" """ }
}

## A cache in memory
image memcached {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version    = release.version
  license    = "BSD-3-Clause"
  tags       = tag.image(release, among = releases, distro, flavor)
  dates      = { release = "2020-03-08" }
  packages   += ["libc6", "libevent-2.1-7t64", "libsasl2-2", "libssl3t64"]
  contents   = [memcached-build.only(["usr/bin"])]
  users      = { memcached = { uid = 11211, gid = 11211, home = "/nonexistent", shell = "/sbin/nologin" } }
  groups     = { memcached = { gid = 11211 } }
  run-as     = "memcached"
  env        = { MEMCACHED_VERSION = "{{release.version}}" }
  entrypoint = ["/usr/bin/memcached"]
  ports      = ["11211/tcp"]
  when flavor == dev {
    use base.dev(distro)
    cmd = ["-u", "root"]
  }
  test "prints its version" {
    run    = ["/usr/bin/memcached", "--version"]
    stdout = contains("memcached {{release.version}}")
  }
}
