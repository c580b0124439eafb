hbuild 1

# Compiling C: lists of packages for `tools`.

## What builds C: compiler, libc's headers, make, bash, and the tools that `configure` and ordinary makefiles call.
fn toolchain(distro) = match distro {
  debian => [
    "bash", "binutils", "bzip2", "coreutils", "dash", "diffutils", "findutils", "gcc", "grep", "gzip",
    "libc-bin", "libc6-dev", "make", "mawk", "patch", "sed", "tar", "xz-utils",
  ]
  alpine => [
    "bash", "binutils", "bzip2", "coreutils", "diffutils", "findutils", "gawk", "gcc", "grep", "gzip",
    "linux-headers", "make", "musl-dev", "patch", "sed", "tar", "xz",
  ]
}

## Flags for `env` that make programs the policy accepts: optimised and checked, without symbols, relocated
## read-only before they start. Makefiles and `configure` scripts take them from the environment.
let hardening = {
  CFLAGS   = "-O2 -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2"
  CXXFLAGS = "-O2 -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2"
  LDFLAGS  = "-Wl,-z,relro,-z,now -s"
}

## `hardening` with what guards the targets of jumps and returns on the architecture.
fn hardened(arch) = {
  CFLAGS   = hardening.CFLAGS + branches(arch)
  CXXFLAGS = hardening.CXXFLAGS + branches(arch)
  LDFLAGS  = hardening.LDFLAGS
}

## The compiler's flags that guard the targets of jumps and returns, to be added to others.
fn branches(arch) = match arch {
  amd64 => " -fcf-protection"
  arm64 => " -mbranch-protection=standard"
}

## What builds C++, too.
fn cxx(distro) = toolchain(distro) + ["g++"]

## For a build in C for images of `distro`: its tools, and its compiler as `$CC`. That is the distro's own; or for Alpine,
## where Alpine's cannot be had and `on` is a release of Debian, the `musl-gcc` of that one, whose programs run on
## Alpine's musl. Further packages are those of Debian then.
fn compiler(distro, on = distro) {
  tools  = toolchain(distro)
  env.CC = "gcc"
  when distro is alpine and on is debian {
    distro = on
    tools  = musl(on)
    env.CC = "musl-gcc"
  }
}

## The kernel's headers for Debian's `musl-gcc`, which looks for none: a first step that does nothing in other roots. For a
## build with steps that has `linux-libc-dev` or `linux-headers` among its tools.
fn kernel-headers() {
  env.C_INCLUDE_PATH = "/build/include"
  step "kernel headers" {
    script = """
      for musl in /usr/include/*-linux-musl; do
        [ -d "$musl" ] || continue
        mkdir -p "$C_INCLUDE_PATH"
        for headers in /usr/include/{linux,mtd,asm-generic} /usr/include/asm /usr/include/*-linux-gnu/asm; do
          [ ! -d "$headers" ] || ln -s "$headers" "$C_INCLUDE_PATH/"
        done
      done
    """
  }
}

## What builds C for static binaries with musl; `use c.musl-env(distro)` makes its compiler the one that is called.
fn musl(distro) = toolchain(distro) + match distro { debian => ["musl-dev", "musl-tools"], alpine => [] }

## For a build with `musl` among its tools: its compiler as `$CC`, and static linking.
fn musl-env(distro) {
  env.CC = match distro { debian => "musl-gcc", alpine => "gcc" }
  env.LDFLAGS = "-static"
}

## What makes a `configure` from `configure.ac`, beside a toolchain.
fn autotools(distro) = match distro {
  debian => ["autoconf", "automake", "libtool", "m4", "perl", "pkgconf"]
  alpine => ["autoconf", "automake", "libtool", "m4", "perl", "pkgconf"]
}

## CMake with Ninja, beside a toolchain.
fn cmake(distro) = match distro {
  debian => ["cmake", "ninja-build", "pkgconf"]
  alpine => ["cmake", "pkgconf", "samurai"]
}

## Meson with Ninja, beside a toolchain.
fn meson(distro) = match distro {
  debian => ["meson", "ninja-build", "pkgconf"]
  alpine => ["meson", "pkgconf", "samurai"]
}
