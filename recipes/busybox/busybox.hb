hbuild 1
import std/base
import std/c
import std/debian

for distro in [debian("12")], arch in [amd64, arm64]

let release = "1.37.0"

source busybox-src {
  url = [
    "https://busybox.net/downloads/busybox-{{release}}.tar.bz2",
    "debian:pool/main/b/busybox/busybox_{{release}}.orig.tar.bz2",
  ]
  sha256  = "3311dff32e746499f4df0d5df04d7eb396382d7e108bb9250e7b519b837043a4"
  license = "GPL-2.0-only"
  purl    = "pkg:generic/busybox@{{release}}"
  cpe     = "cpe:2.3:a:busybox:busybox:{{release}}:*:*:*:*:*:*:*"
}

## Everything that BusyBox can do in one static program on musl, with a link for each applet.
build busybox-static {
  for distro, arch
  version      = release
  repositories = debian.main(distro)
  tools        = c.musl(distro) + ["linux-libc-dev"]
  source       = busybox-src
  step "configure" {
    script = """
      make defconfig
      # tc wants kernel headers that are gone since Linux 6.8.
      sed -i -e 's/^# CONFIG_STATIC is not set/CONFIG_STATIC=y/' -e 's/^CONFIG_TC=y/# CONFIG_TC is not set/' .config
      # musl has no kernel headers of its own.
      mkdir -p "$HOME/include"
      ln -s /usr/include/linux /usr/include/mtd /usr/include/asm-generic /usr/include/*-linux-gnu/asm "$HOME/include/"
    """
  }
  step "compile" { script = """make -j"$JOBS" CC=musl-gcc EXTRA_CFLAGS="-isystem $HOME/include" """ }
  step "install" {
    script = """make install CC=musl-gcc EXTRA_CFLAGS="-isystem $HOME/include" CONFIG_PREFIX="$OUT" """
  }
}

## BusyBox: a shell and the common tools in two megabytes.
image busybox {
  for distro, arch
  use base.runtime(distro)
  repositories = debian.main(distro)
  version      = release
  license      = "GPL-2.0-only"
  contents     = [busybox-static]
  cmd          = ["/bin/sh"]
  waive elf-pie {
    paths   = ["/usr/bin/busybox"]
    because = "Debian's musl-gcc links no static position-independent programs"
  }
  waive shell { because = "the shell is what this image is for" }
  waive package-manager {
    because = "BusyBox has applets dpkg and rpm, which install nothing without a database"
  }
  test "runs a script" { run = ["/bin/sh", "-c", "echo $((6 * 7))"]; stdout = equals("42\n") }
}
