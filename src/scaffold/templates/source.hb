hbuild 1
import std/base
import std/c

# The recipe of an image. `hbuild check` finds its mistakes without a network, `hbuild lock` pins everything it names
# to a digest, `hbuild build` makes it. What is indented behind a `#` is an example: to use it, take the `#` away.

# What the image varies over: it is made once for each combination. `hbuild build` takes those of this machine's
# architecture, `hbuild build --arch all` takes every one.
for distro in [@DISTRO@], flavor in [runtime], arch in [amd64, arm64]

let release = "0.1.0"

# What is compiled: here a folder beside this recipe. A release of somebody else's is an archive with its digest,
# or a repository with a commit:
#   source upstream {
#     url     = "https://example.org/upstream-1.0.tar.gz"
#     sha256  = "0000000000000000000000000000000000000000000000000000000000000000"
#     license = "MIT"
#     purl    = "pkg:generic/upstream@1.0"
#   }
source @NAME@-src {
  path = "src"
  #   license = "Apache-2.0"
  #   patches = ["patches/fix.patch"]
}

## The program, compiled in a sandbox that has these tools and this source and no network.
build @NAME@-program {
  for distro, arch
  version = release
  # Packages: a C toolchain. Add to the list what else is called, `c.toolchain(distro) + ["pkgconf"]`.
  tools = c.toolchain(distro)
  # Libraries and headers that the program is compiled with:
  #   inputs = ["zlib1g-dev"]
  source = @NAME@-src
  env    = c.hardening
  # Each step is a shell of its own, started in $SRC, that stops at the first failure. $OUT stands for the image's `/`.
  step "compile" { script = """make -j"$JOBS" """ }
  step "install" { script = """make install DESTDIR="$OUT" """ }
  # Run last; it can fail the build and nothing else.
  check = "make check"
}

## What `hbuild show`, the SBOM and the image's labels say of this image.
image @NAME@ {
  for distro, flavor, arch
  # Accounts, CA certificates and time zones. No shell and no package manager; the user is nonroot, 65532.
  use base.runtime(distro)
  version = release
  #   license = "Apache-2.0"
  #   tags    = match flavor { runtime => ["latest"], dev => ["latest-dev"] }

  # Packages of the distro, with all that they depend on: the libraries that the program loads.
  packages += ["libc6"]
  contents = [@NAME@-program]

  # Files, folders and links, made last; a glob can take away what a package brought.
  paths = {
    "/etc/@NAME@/@NAME@.conf" = file(text = "greeting = hello\n")
    "/data" = directory(owner = "nonroot", group = "nonroot")
    #   "/usr/share/info/**" = delete
  }

  entrypoint = ["/usr/bin/@NAME@"]
  work-dir   = "/data"
  #   cmd         = ["world"]
  #   env.LANG    = "C.UTF-8"
  #   ports       = ["8080/tcp"]
  #   volumes     = ["/data"]
  #   stop-signal = "SIGQUIT"
  #   labels      = { "org.opencontainers.image.vendor" = "Example Ltd" }

  # A variant with a shell and a package manager: write `flavor in [runtime, dev]` above, and
  #   when flavor == dev { use base.dev(distro) }

  # What has to hold in the finished image:
  test "greets" { run = ["/usr/bin/@NAME@", "Ada"]; stdout = equals("Hello, Ada!\n") }

  # A rule of the policy that this image has to break, with the reason for whoever audits it:
  #   waive shell { paths = ["/usr/bin/bash"], because = "its start script needs one" }
}
