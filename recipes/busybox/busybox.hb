hbuild 1
import std/base
import std/c
import std/debian
import std/tag

let releases = {
  "1.38" = {
    version = version("1.38.0")
    sha256  = "34f9ea6ff8636f2c9241153b9114eefa9e65674a45318ae1ef95bb5f31c53bb2"
    distros = [alpine("3.24")]
  }
  "1.37" = {
    version = version("1.37.0")
    sha256  = "3311dff32e746499f4df0d5df04d7eb396382d7e108bb9250e7b519b837043a4"
    distros = [debian("13"), debian("12")]
  }
}

for release in releases, distro in release.distros, flavor in [runtime, dev], arch in [amd64, arm64]

source busybox-src {
  for release
  url = [
    "https://busybox.net/downloads/busybox-{{release.version}}.tar.bz2",
    "debian:pool/main/b/busybox/busybox_{{release.version}}.orig.tar.bz2",
  ]
  sha256  = release.sha256
  license = "GPL-2.0-only"
  purl    = "pkg:generic/busybox@{{release.version}}"
  cpe     = "cpe:2.3:a:busybox:busybox:{{release.version}}:*:*:*:*:*:*:*"
}

## Everything that BusyBox can do in one static program on musl, with a link for each applet.
build busybox-static {
  for release, distro, arch
  version = release.version
  tools   = c.musl(distro) + match distro { alpine => [], debian => ["linux-libc-dev"] }
  source  = busybox-src
  use c.kernel-headers()
  env.CC = match distro { alpine => "gcc", debian => "musl-gcc" }
  when distro is debian("12") { repositories = debian.main(distro) }
  step "configure" {
    script = """
      make defconfig
      # tc wants kernel headers that are gone since Linux 6.8.
      sed -i -e 's/^# CONFIG_STATIC is not set/CONFIG_STATIC=y/' -e 's/^CONFIG_TC=y/# CONFIG_TC is not set/' .config
    """
  }
  step "compile" { script = """make -j"$JOBS" CC="$CC" """ }
  step "install" { script = """make install CC="$CC" CONFIG_PREFIX="$OUT" """ }
}

## BusyBox: a shell and the common tools in two megabytes. The dev flavor has the program alone, beside the distro's
## own tools.
image busybox {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version  = release.version
  license  = "GPL-2.0-only"
  tags     = tag.semver(release, among = releases, distro, flavor)
  contents = [busybox-static]
  env.BUSYBOX_VERSION = "{{release.version}}"
  cmd = ["/bin/sh"]
  when distro is debian("12") { repositories = debian.main(distro) }
  when flavor == dev {
    use base.dev(distro)
    cmd      = ["/bin/sh"]
    contents = [busybox-static.only(["bin/busybox"])]
  }
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
