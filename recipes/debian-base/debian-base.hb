hbuild 1
import std/base
import std/debian

for distro in [debian("12")], flavor in [runtime, dev], arch in [amd64, arm64]

## Debian's bash and coreutils, for images that cannot do without a shell yet.
image debian-base {
  for distro, flavor, arch
  use base.runtime(distro)
  repositories = debian.main(distro)
  version      = "12"
  packages     += ["bash", "coreutils"]
  cmd          = ["/bin/bash"]
  when flavor == dev { use base.dev(distro) }
  test "has a shell" { run = ["/bin/bash", "-c", "echo $((6 * 7))"]; stdout = contains("42") }
  waive shell {
    paths   = ["/usr/bin/bash", "/usr/bin/rbash"]
    because = "the purpose of this image is to have one"
  }
}
