hbuild 1
import std/base
import std/debian

for distro in [debian("13"), debian("12")], flavor in [runtime, dev], arch in [amd64, arm64]

let release = match distro {
  debian("13") => {
    number = "13"
    name   = "trixie"
    dates  = { release = "2025-08-09", end-of-life = "2028-08-09" }
  }
  debian("12") => {
    number = "12"
    name   = "bookworm"
    dates  = { release = "2023-06-10", end-of-life = "2026-06-10" }
  }
}

## Debian's bash and coreutils, for images that cannot do without a shell yet. The dev flavor has apt as well.
image debian-base {
  for distro, flavor, arch
  use base.runtime(distro)
  version  = release.number
  dates    = release.dates
  tags     = match flavor { runtime => [release.name], dev => ["{{release.name}}-dev"] }
  packages += ["bash", "coreutils"]
  cmd      = ["/bin/bash"]
  when distro is debian("12") { repositories = debian.main(distro) }
  when distro is debian("13") { packages += ["findutils", "gzip", "ncurses-bin", "ncurses-term", "tar"] }
  when flavor == dev { use base.dev(distro) }
  test "has a shell" { run = ["/bin/bash", "-c", "echo $((6 * 7))"]; stdout = contains("42") }
  waive shell {
    paths   = ["/usr/bin/bash", "/usr/bin/rbash"]
    because = "the purpose of this image is to have one"
  }
}
