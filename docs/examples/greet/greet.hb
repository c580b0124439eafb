hbuild 1
import std/base
import std/c
import std/debian

for distro in [debian("12")], flavor in [runtime], arch in [amd64, arm64]

source greet-src {
  path    = "greet"
  license = "Apache-2.0"
  patches = ["patches/greet-by-name.patch"]
}

build greet-program {
  for distro, arch
  version      = "1.0"
  repositories = debian.main(distro)
  tools        = c.toolchain(distro)
  source       = greet-src
  env          = c.hardening
  outputs      = ["doc"]
  step "compile" { script = """make -j"$JOBS" """ }
  step "install" {
    script = """
      make install DESTDIR="$OUT"
      install -D -m 644 README "$OUT_DOC/usr/share/doc/greet/README"
    """
  }
  check = """make check"""
}

## Greets whoever is named.
image greet {
  for distro, flavor, arch
  use base.runtime(distro)
  repositories = debian.main(distro)
  version      = "1.0"
  packages     += ["libc6"]
  contents     = [greet-program]
  entrypoint   = ["/usr/bin/greet"]
}
