hbuild 1
import std/base
import std/c
import std/debian

for distro in [debian("12")], flavor in [runtime, dev], arch in [amd64, arm64]

source hello-src {
  url = ["https://ftp.gnu.org/gnu/hello/hello-2.10.tar.gz", "debian:pool/main/h/hello/hello_2.10.orig.tar.gz"]
  sha256 = "31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b"
  license = "GPL-3.0-or-later"
  purl = "pkg:generic/hello@2.10"
  cpe = "cpe:2.3:a:gnu:hello:2.10:*:*:*:*:*:*:*"
}

## GNU hello, compiled in a sandbox that sees Debian's C toolchain and this source, and nothing else.
build hello-program {
  for distro, arch
  version      = "2.10"
  repositories = debian.main(distro)   # bookworm's main alone no longer changes, so this lock stays good
  tools        = c.toolchain(distro)
  source       = hello-src
  env          = c.hardening
  step "compile" {
    script = """
      ./configure --prefix=/usr --disable-nls
      make -j"$JOBS"
    """
  }
  step "install" { script = """make install-exec DESTDIR="$OUT" """ }
  check = """make check"""
}

## Says hello: GNU hello on Debian's C library, without a shell.
image hello {
  for distro, flavor, arch
  use base.runtime(distro)
  repositories = debian.main(distro)
  version      = "2.10"
  license      = "GPL-3.0-or-later"
  packages     += ["libc6"]
  contents     = [hello-program]
  entrypoint   = ["/usr/bin/hello"]
  when flavor == dev { use base.dev(distro) }
  test "greets" { run = ["/usr/bin/hello"]; stdout = contains("Hello, world!") }
}
