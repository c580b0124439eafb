hbuild 1
import std/base
import std/c
import std/debian
import std/tag

let releases = {
  "1.6.45" = {
    version = version("1.6.45")
    url     = "https://www.memcached.org/files/memcached-1.6.45.tar.gz"
    sha256  = "d362c64e6d8d5287153501eabf7c85b4a761432fbf53f5d7b085d0bb1653c1dd"
    distros = [alpine("3.24"), debian("13")]
  }
  # Upstream's archive is a .tar.gz; Debian keeps it compressed again, so these are not upstream's own bytes.
  "1.6.38" = {
    version = version("1.6.38")
    url     = "debian:pool/main/m/memcached/memcached_1.6.38.orig.tar.xz"
    sha256  = "074076ab3e889e16e763c6a3e5cadacc6696979dbb8c473bbf871d498b19b1a0"
    distros = [alpine("3.19"), debian("13")]
  }
}

for release in releases, distro in release.distros, flavor in [runtime, dev], arch in [amd64, arm64]

source memcached-src {
  for release
  url     = release.url
  sha256  = release.sha256
  license = "BSD-3-Clause"
  purl    = "pkg:generic/memcached@{{release.version}}"
  cpe     = "cpe:2.3:a:memcached:memcached:{{release.version}}:*:*:*:*:*:*:*"
}

# Programs for Alpine 3.19 are compiled on Debian, which has musl and no libraries for it: libevent becomes part of the
# program, and there is neither SASL nor TLS.
let on = match distro { alpine("3.19") => debian("12"), alpine("3.24") => distro, debian("13") => distro }

source libevent-src {
  url = [
    "https://github.com/libevent/libevent/releases/download/release-2.1.12-stable/libevent-2.1.12-stable.tar.gz",
    "debian:pool/main/libe/libevent/libevent_2.1.12-stable.orig.tar.gz",
  ]
  sha256  = "92e6de1be9ec176428fd2367677e61ceffc2ee1cb119035037a27d346b0403bb"
  license = "BSD-3-Clause"
  purl    = "pkg:generic/libevent@2.1.12"
  cpe     = "cpe:2.3:a:libevent_project:libevent:2.1.12:*:*:*:*:*:*:*"
}

build memcached-server {
  for release, distro, arch
  use c.compiler(distro, on = on)
  version = release.version
  license = "BSD-3-Clause"
  purl    = "pkg:generic/memcached@{{release.version}}"
  cpe     = "cpe:2.3:a:memcached:memcached:{{release.version}}:*:*:*:*:*:*:*"
  tools   += ["pkgconf"]
  sources = { memcached = memcached-src }
  dir     = "memcached"
  env     = c.hardening
  when on == distro {
    inputs = match distro {
      alpine => ["cyrus-sasl-dev", "libevent-dev", "openssl-dev"]
      debian => ["libevent-dev", "libsasl2-dev", "libssl-dev"]
    }
    env.OPTIONS = "--enable-sasl --enable-tls"
  }
  when on != distro {
    repositories = debian.main(on)
    sources      += { libevent = libevent-src }
    # `--with-libevent` would have the program look there when it runs.
    env.CPPFLAGS = "-I/build/libevent/include"
    env.LDFLAGS = "{{c.hardening.LDFLAGS}} -L/build/libevent/lib"
    env.OPTIONS = ""
    step "libevent" {
      dir = "libevent"
      script = """
        ./configure --prefix=/build/libevent \
          --disable-shared --disable-openssl --disable-samples --disable-libevent-regress
        make -j"$JOBS" install
      """
    }
  }
  step "compile" {
    script = """
      ./configure --prefix=/usr $OPTIONS --disable-docs
      make -j"$JOBS" memcached
    """
  }
  step "install" { script = """install -D -m 0755 memcached "$OUT/usr/bin/memcached" """ }
}

## memcached with SASL and TLS. Its account is 11211, as its port.
image memcached {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version = release.version
  license = "BSD-3-Clause"
  dates   = { release = "2020-03-08" }
  tags    = tag.image(release, among = releases, distro, flavor)
  packages += match distro {
    alpine("3.19") => ["musl"]
    alpine => ["libcrypto3", "libevent", "libsasl", "libssl3", "musl"]
    debian => ["libc6", "libevent-2.1-7t64", "libsasl2-2", "libsasl2-modules", "libssl3t64"]
  }
  contents = [memcached-server]
  users += {
    memcached = {
      uid   = 11211
      gid   = 11211
      home  = "/nonexistent"
      shell = "/sbin/nologin"
      gecos = "memcached"
    }
  }
  groups += { memcached = { gid = 11211 } }
  run-as = "memcached"
  env.MEMCACHED_VERSION = "{{release.version}}"
  entrypoint = ["memcached"]
  ports      = ["11211/tcp"]
  when flavor == dev {
    use base.dev(distro)
    cmd = ["-u", "root"]   # which it would refuse to be otherwise
  }
  test "prints its version" { run = ["memcached", "--version"]; stdout = contains(release.version) }
}
