hbuild 1
import std/base
import std/debian

for distro in [debian("12")], arch in [amd64, arm64]

## What a static binary needs and nothing else: CA certificates, time zones, accounts, /tmp. Copy the binary in
## with a Dockerfile's `FROM`, or name it in `contents` of a recipe like this one.
image static {
  for distro, arch
  use base.runtime(distro)
  repositories = debian.main(distro)
  version      = "12"
  resolve      = listed
  paths += {   # scripts without a shell to run them
    "/etc/update-motd.d/**" = delete
    "/usr/sbin/update-ca-certificates" = delete
  }
}
