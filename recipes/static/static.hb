hbuild 1
import std/base
import std/debian

for distro in [alpine("3.24"), alpine("3.19"), debian("13"), debian("12")], arch in [amd64, arm64]

## What a static binary needs and nothing else: CA certificates, time zones, accounts, /tmp. Copy the binary in
## with a Dockerfile's `FROM`, or name it in `contents` of a recipe like this one.
image static {
  for distro, arch
  use base.runtime(distro)
  version = match distro {
    alpine("3.24") => "3.24"
    alpine("3.19") => "3.19"
    debian("13") => "13"
    debian("12") => "12"
  }
  license = "MPL-2.0 AND MIT"
  tags = match distro {
    alpine("3.24") => ["musl"]
    alpine("3.19") => []
    debian("13") => ["glibc"]
    debian("12") => []
  }
  resolve = listed   # the packages of `base.runtime` without what their scripts would need
  when distro is debian("12") { repositories = debian.main(distro) }
  when distro is debian {
    paths += {   # scripts without a shell to run them
      "/etc/update-motd.d/**" = delete
      "/usr/sbin/update-ca-certificates" = delete
    }
  }
}
