hbuild 1

# Compiling C.

## The packages that build C: compiler, libc's headers, make, bash and the tools that `configure` and ordinary
## makefiles call.
fn toolchain(distro) = match distro {
  debian => [
    "bash", "binutils", "bzip2", "coreutils", "diffutils", "findutils", "gcc", "grep", "gzip", "libc6-dev", "make",
    "mawk", "patch", "sed", "tar", "xz-utils",
  ]
  alpine => [
    "bash", "bzip2", "coreutils", "diffutils", "findutils", "gawk", "gcc", "grep", "gzip", "libc-dev",
    "linux-headers", "make", "patch", "sed", "tar", "xz",
  ]
}

## The packages that build C for static binaries with musl; `use c.musl-env(distro)` makes its compiler the one.
fn musl(distro) = toolchain(distro) + match distro {
  debian => ["musl-dev", "musl-tools"]
  alpine => []
}

## For a build with `musl` among its tools: its compiler as `$CC`, static by default.
fn musl-env(distro) {
  env.CC      = match distro { debian => "musl-gcc", alpine => "gcc" }
  env.LDFLAGS = "-static"
}
