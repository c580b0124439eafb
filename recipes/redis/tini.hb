hbuild 1
import std/c
import std/debian

# tini for the images on Alpine that take no package of it.

for distro in [alpine("3.19")], arch in [amd64, arm64]

source tini-src {
  url = [
    "https://github.com/krallin/tini/archive/refs/tags/v0.19.0.tar.gz",
    "debian:pool/main/t/tini/tini_0.19.0.orig.tar.gz",
  ]
  sha256  = "0fd35a7030052acd9f58948d1d900fe1e432ee37103c5561554408bdac6bbf0d"
  license = "MIT"
  purl    = "pkg:github/krallin/tini@v0.19.0"
}

build program {
  for distro, arch
  use c.compiler(distro, on = debian("12"))
  repositories = debian.main(debian("12"))
  source       = tini-src
  env          = c.hardening
  script = """
    sed -e 's/@tini_VERSION_MAJOR@.*_PATCH@/0.19.0/' -e 's/@tini_VERSION_GIT@//' src/tiniConfig.h.in > src/tiniConfig.h
    mkdir -p "$OUT/usr/bin"
    $CC $CFLAGS $LDFLAGS -o "$OUT/usr/bin/tini" src/tini.c
  """
}
