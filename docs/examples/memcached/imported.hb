hbuild 1
import std/base
import std/tag

# Imported from 2 definitions of registry.example/memcached.
# Not carried over:
# - compression `zstd`: a layer's compression is an option of `hbuild build`
# - contents.builds.pipeline.caches `{path: /root/.cache}`: a build keeps nothing from one run to the next

let releases = {
  "1.6" = { version = version("1.6.45") }
}

for release in releases, distro in [debian("13")], flavor in [runtime, dev], arch in [amd64, arm64]

let prefixes = tag.semver(release, among = releases)
let suffix = match flavor { runtime => "", dev => "-dev" }

source memcached-src {
  for release
  url     = "https://www.memcached.org/files/memcached-{{release.version}}.tar.gz"
  sha256  = "d362c64e6d8d5287153501eabf7c85b4a761432fbf53f5d7b085d0bb1653c1dd"
  license = "BSD-3-Clause"
  purl    = "pkg:generic/memcached@{{release.version}}"
}

build memcached-build {
  for release, distro, arch
  tools = [
    "bash", "coreutils", "gcc", "libc6-dev", "libevent-dev", "libsasl2-dev", "libssl-dev", "make", "pkgconf",
  ]
  source = memcached-src
  step "compile" {
    env = { CFLAGS = "-O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2", LDFLAGS = "-Wl,-z,relro,-z,now -s" }
    script = """
      ./configure --prefix=/usr --enable-sasl --enable-tls --disable-docs
      make -j"$JOBS"
    """
  }
  step "install" {
    script = "make install DESTDIR=$OUT"
  }
}

# Added:
# - `base.dev(debian13)` brings more: packages media-types, netbase, base-passwd, dash, debconf,
#   debian-archive-keyring, diffutils, gzip, hostname, libc-bin, mawk, ncurses-base, openssl, perl-base,
#   tar, util-linux; accounts _apt, nobody, nonroot
# - `base.runtime(debian13)` brings more: packages media-types, netbase; accounts nobody, nonroot
## A cache in memory
image memcached {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version = release.version
  title   = "memcached {{release.version.prefix(2)}}.x"
  license = "BSD-3-Clause"
  tags = tag.semver(release, among = releases, distro, flavor)
    + ["{{prefix}}{{suffix}}" for prefix in prefixes]
  dates      = { release = "2020-03-08" }
  packages   += ["libc6", "libevent-2.1-7t64", "libsasl2-2", "libssl3t64"]
  contents   = [memcached-build.only(["usr/bin"])]
  users      = { memcached = { uid = 11211 } }
  groups     = { memcached = { gid = 11211 } }
  run-as     = "memcached"
  env        = { MEMCACHED_VERSION = "{{release.version}}" }
  entrypoint = ["/usr/bin/memcached"]
  ports      = ["11211/tcp"]
  test "prints its version" {
    run    = ["/usr/bin/memcached", "--version"]
    stdout = contains("memcached {{release.version}}")
  }
  when flavor == dev {
    use base.dev(distro)
    title = "memcached {{release.version.prefix(2)}}.x (dev)"
    cmd   = ["-u", "root"]
  }
}
