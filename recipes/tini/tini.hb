hbuild 1
import std/base
import std/c
import std/debian

for distro in [debian("12")], flavor in [runtime, dev], arch in [amd64, arm64]

let release = "0.19.0"

source tini-src {
  url = [
    "https://github.com/krallin/tini/archive/refs/tags/v{{release}}.tar.gz",
    "debian:pool/main/t/tini/tini_{{release}}.orig.tar.gz",
  ]
  sha256  = "0fd35a7030052acd9f58948d1d900fe1e432ee37103c5561554408bdac6bbf0d"
  license = "MIT"
  purl    = "pkg:github/krallin/tini@v{{release}}"
  cpe     = "cpe:2.3:a:tini_project:tini:{{release}}:*:*:*:*:*:*:*"
}

## tini, one static program on musl: it runs in any image.
build tini-static {
  for distro, arch
  version      = release
  repositories = debian.main(distro)
  tools        = c.musl(distro)
  source       = tini-src
  script = """
    sed -e 's/@tini_VERSION_MAJOR@.@tini_VERSION_MINOR@.@tini_VERSION_PATCH@/{{release}}/' -e 's/@tini_VERSION_GIT@//' \
      src/tiniConfig.h.in > src/tiniConfig.h
    mkdir -p "$OUT/usr/bin"
    musl-gcc -O2 -fstack-protector-strong -static -s -o "$OUT/usr/bin/tini" src/tini.c
  """
}

## A tiny init for containers: it forwards signals and reaps zombies.
image tini {
  for distro, flavor, arch
  use base.runtime(distro)
  repositories = debian.main(distro)
  version      = release
  license      = "MIT"
  contents     = [tini-static]
  entrypoint   = ["/usr/bin/tini", "--"]
  when flavor == dev { use base.dev(distro) }
  waive elf-pie {
    paths   = ["/usr/bin/tini"]
    because = "Debian's musl-gcc links no static position-independent programs"
  }
  test "says its version" {
    run    = ["/usr/bin/tini", "--version"]
    stdout = contains("tini version {{release}}")
  }
}
