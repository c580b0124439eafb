hbuild 1
import std/base

# The recipe of an image. `hbuild check` finds its mistakes without a network, `hbuild lock` pins everything it names
# to a digest, `hbuild build` makes it. What is indented behind a `#` is an example: to use it, take the `#` away.

# What the image varies over: it is made once for each combination. `hbuild build` takes those of this machine's
# architecture, `hbuild build --arch all` takes every one.
for distro in [@DISTRO@], flavor in [runtime], arch in [amd64, arm64]

# Files of your own, from a folder beside this recipe:
#   source files { path = "files" }

## What `hbuild show`, the SBOM and the image's labels say of this image.
image @NAME@ {
  for distro, flavor, arch
  # Accounts, CA certificates and time zones. No shell and no package manager; the user is nonroot, 65532.
  use base.runtime(distro)
  version = "0.1.0"
  #   license = "Apache-2.0"
  #   tags    = match flavor { runtime => ["latest"], dev => ["latest-dev"] }

  # Packages of the distro, with all that they depend on. GNU hello stands for the program that you want;
  # a version can be pinned ("hello=2.10-5").
  packages += ["hello"]
  # What no dependency may bring in:
  #   exclude += ["perl-base"]
  # The folder `files` from above, as /srv/www:
  #   contents = [files.at("/srv/www")]

  # Files, folders and links, made last; a glob can take away what a package brought.
  paths = {
    "/etc/@NAME@/@NAME@.conf" = file(text = "greeting = hello\n")
    "/data" = directory(owner = "nonroot", group = "nonroot")
    #   "/usr/share/info/**" = delete
  }

  entrypoint = ["/usr/bin/hello"]
  cmd        = ["--greeting=Hello from @NAME@"]
  work-dir   = "/data"
  #   env.LANG    = "C.UTF-8"
  #   ports       = ["8080/tcp"]
  #   volumes     = ["/data"]
  #   stop-signal = "SIGQUIT"
  #   labels      = { "org.opencontainers.image.vendor" = "Example Ltd" }

  # A variant with a shell and a package manager: write `flavor in [runtime, dev]` above, and
  #   when flavor == dev { use base.dev(distro) }

  # What has to hold in the finished image:
  test "greets" { run = ["/usr/bin/hello"]; stdout = contains("Hello") }

  # A rule of the policy that this image has to break, with the reason for whoever audits it:
  #   waive shell { paths = ["/usr/bin/bash"], because = "its start script needs one" }
}
