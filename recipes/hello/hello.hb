hbuild 1
import std/base
import std/debian

for distro in [debian("12")], flavor in [runtime, dev], arch in [amd64, arm64]

## Says hello: GNU hello on Debian's C library, without a shell.
image hello {
  for distro, flavor, arch
  use base.runtime(distro)
  repositories = debian.main(distro)   # bookworm's main alone no longer changes, so this lock stays good
  version      = "2.10"
  license      = "GPL-3.0-or-later"
  packages     += ["hello"]
  entrypoint   = ["/usr/bin/hello"]
  when flavor == dev { use base.dev(distro) }
  test "greets" { run = ["/usr/bin/hello"]; stdout = contains("Hello, world!") }
}
