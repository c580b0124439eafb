hbuild 1
import std/base
import std/c

for distro in [debian("13")], flavor in [runtime, dev], arch in [amd64, arm64]

let release = "1.6.38"

# Upstream's archive is a .tar.gz; Debian keeps it compressed again, so these are not upstream's own bytes.
source memcached-src {
  url     = "debian:pool/main/m/memcached/memcached_{{release}}.orig.tar.xz"
  sha256  = "074076ab3e889e16e763c6a3e5cadacc6696979dbb8c473bbf871d498b19b1a0"
  license = "BSD-3-Clause"
  purl    = "pkg:generic/memcached@{{release}}"
  cpe     = "cpe:2.3:a:memcached:memcached:{{release}}:*:*:*:*:*:*:*"
}

build memcached-server {
  for distro, arch
  version = release
  tools   = c.toolchain(distro) + ["pkg-config"]
  inputs = match distro {
    alpine => ["libevent-dev", "openssl-dev"]
    debian => ["libevent-dev", "libssl-dev"]
  }
  source = memcached-src
  env    = c.hardening
  step "compile" {
    script = """
      ./configure --prefix=/usr/local --enable-tls --disable-docs
      make -j"$JOBS" memcached
    """
  }
  step "install" { script = """install -D -m 0755 memcached "$OUT/usr/local/bin/memcached" """ }
}

## memcached with TLS.
image memcached {
  for distro, flavor, arch
  use base.runtime(distro)
  version = release
  license = "BSD-3-Clause"
  packages += match distro {
    alpine => ["libcrypto3", "libevent", "libssl3"]
    debian => ["libc6", "libevent-2.1-7t64", "libssl3t64"]
  }
  contents   = [memcached-server]
  entrypoint = ["/usr/local/bin/memcached"]
  ports      = ["11211/tcp"]
  when flavor == dev { use base.dev(distro) }
  test "prints its version" { run = ["memcached", "--version"]; stdout = contains("memcached {{release}}") }
}
