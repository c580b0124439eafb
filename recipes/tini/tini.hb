hbuild 1
import std/alpine
import std/base
import std/c
import std/debian

for distro in [alpine("3.19"), debian("12")], flavor in [runtime, dev], arch in [amd64, arm64]

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

## tini, one static program on musl: it runs in any image, so that one is made for all.
build tini-static {
  for arch
  distro       = debian("12")
  version      = release
  repositories = debian.main(debian("12"))
  tools        = c.musl(debian("12"))
  source       = tini-src
  script = """
    sed -e 's/@tini_VERSION_MAJOR@.@tini_VERSION_MINOR@.@tini_VERSION_PATCH@/{{release}}/' -e 's/@tini_VERSION_GIT@//' \
      src/tiniConfig.h.in > src/tiniConfig.h
    mkdir -p "$OUT/usr/bin"
    # musl-gcc links no static position-independent programs by itself.
    cd /usr/lib/*-linux-musl
    musl-gcc -O2 -fPIE -fstack-protector-strong -nostartfiles -o "$OUT/usr/bin/tini" rcrt1.o crti.o "$SRC/src/tini.c" \
      crtn.o -Wl,-static,--no-dynamic-linker,-z,text,-z,relro,-z,now,-s
  """
}

## A tiny init for containers: it forwards signals and reaps zombies.
image tini {
  for distro, flavor, arch
  use base.runtime(distro)
  repositories = match distro { alpine => alpine.all(distro), debian => debian.main(distro) }
  version      = release
  license      = "MIT"
  contents     = [tini-static]
  entrypoint   = ["/usr/bin/tini", "--"]
  when flavor == dev { use base.dev(distro) }
  test "says its version" {
    run    = ["/usr/bin/tini", "--version"]
    stdout = contains("tini version {{release}}")
  }
}
