hbuild 1
import std/base
import std/c
import std/debian

for distro in [debian("12")], flavor in [runtime, dev], arch in [amd64, arm64]

let release = "1.3.1"

# Debian leaves out of its archive what it may not distribute, so these are not upstream's own bytes.
source zlib-src {
  url     = "debian:pool/main/z/zlib/zlib_1.3.dfsg+really1.3.1.orig.tar.gz"
  sha256  = "60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb"
  license = "Zlib"
  purl    = "pkg:generic/zlib@{{release}}"
  cpe     = "cpe:2.3:a:zlib:zlib:{{release}}:*:*:*:*:*:*:*"
}

## The shared library; its output `dev` has what programs are compiled with.
build libz {
  for distro, arch
  version      = release
  repositories = debian.main(distro)
  tools        = c.toolchain(distro)
  source       = zlib-src
  env          = c.hardening
  outputs      = ["dev"]
  step "compile" {
    script = """
      ./configure --prefix=/usr
      make -j"$JOBS"
    """
  }
  check = """make check"""
  step "install" {
    script = """
      make install prefix=/usr DESTDIR="$OUT"
      rm -r "$OUT/usr/share"
      mkdir -p "$OUT_DEV/usr/lib"
      mv "$OUT/usr/include" "$OUT_DEV/usr/"
      mv "$OUT"/usr/lib/{libz.a,libz.so,pkgconfig} "$OUT_DEV/usr/lib/"
    """
  }
}

## A program of zlib's own, linked against the build above.
build minigzip {
  for distro, arch
  version      = release
  repositories = debian.main(distro)
  tools        = c.toolchain(distro)
  inputs       = [libz, libz.dev]
  source       = zlib-src
  env          = c.hardening
  script = """
    mkdir -p "$OUT/usr/bin"
    gcc $CFLAGS $LDFLAGS -I/usr/include -o "$OUT/usr/bin/minigzip" test/minigzip.c -L/usr/lib -lz
  """
}

## zlib and minigzip, which compresses standard input to standard output.
image zlib {
  for distro, flavor, arch
  use base.runtime(distro)
  repositories = debian.main(distro)
  version      = release
  license      = "Zlib"
  packages     += ["libc6"]
  contents     = [libz, minigzip]
  entrypoint   = ["/usr/bin/minigzip"]
  when flavor == dev {
    use base.dev(distro)
    contents += [libz.dev]
  }
}
