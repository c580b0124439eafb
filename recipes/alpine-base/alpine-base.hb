hbuild 1
import std/base

for distro in [alpine("3.24")], flavor in [runtime, dev], arch in [amd64, arm64]

## Alpine's BusyBox with a shell and the common tools, for images that cannot do without them yet. The dev flavor has
## apk as well.
image alpine-base {
  for distro, flavor, arch
  use base.runtime(distro)
  version  = "3.24"
  dates    = { release = "2026-06-09", end-of-life = "2028-06-01" }
  packages += ["busybox", "busybox-binsh", "ssl_client"]
  cmd      = ["/bin/sh"]
  when flavor == dev {
    use base.dev(distro)
    cmd = ["/bin/sh"]
  }
  test "has a shell" { run = ["/bin/sh", "-c", "echo $((6 * 7))"]; stdout = equals("42\n") }
  waive shell { because = "the purpose of this image is to have one" }
}
