hbuild 1
import std/base
import std/c
import std/tag

# Debian's pool has upstream's own archives of all versions here.
let releases = {
  "1.27" = {
    version = version("1.27.0")
    sha256  = "7002403d7cc44529ef6d26f69a44818263395ead7c16c05a5808ae047ebeb0e5"
    dates   = { release = "2026-08-19" }
  }
  "1.26" = {
    version = version("1.26.7")
    sha256  = "0ed24eac755105085b89fe9cabc2742b91a0ad7b94b59d3ad364918ebc8956ad"
    dates   = { release = "2026-02-10" }
  }
}

for release in releases,
  distro in [alpine("3.24"), debian("13")],
  flavor in [runtime, dev],
  arch in [amd64, arm64]

let older = version("1.24.9")

source older-src {
  url = [
    "https://go.dev/dl/go{{older}}.src.tar.gz",
    "debian:pool/main/g/golang-1.24/golang-1.24_{{older}}.orig.tar.gz",
  ]
  sha256  = "c72f81ba54fe00efe7f3e7499d400979246881b13b775e9a9bb85541c11be695"
  license = "BSD-3-Clause"
  purl    = "pkg:generic/go@{{older}}"
}

## What compiles the others: they need 1.24.6 at least, and Debian 13 has 1.24.4.
build older-go {
  for distro, arch
  tools  = c.toolchain(distro) + match distro { alpine => ["go"], debian => ["golang-go"] }
  source = older-src
  dir    = "src"
  script = """
    GOROOT_BOOTSTRAP=$(go env GOROOT) ./make.bash
    mkdir -p "$OUT/opt/go/pkg"
    cp -a ../{bin,src,VERSION,go.env} "$OUT/opt/go/"
    cp -a ../pkg/{include,tool} "$OUT/opt/go/pkg/"
  """
}

source go-src {
  for release
  url = [
    "https://go.dev/dl/go{{release.version}}.src.tar.gz",
    "debian:pool/main/g/golang-{{release.version.prefix(2)}}/golang-{{release.version.prefix(2)}}_{{release.version}}.orig.tar.gz",
  ]
  sha256  = release.sha256
  license = "BSD-3-Clause"
  purl    = "pkg:generic/go@{{release.version}}"
  cpe     = "cpe:2.3:a:golang:go:{{release.version}}:*:*:*:*:*:*:*"
}

## Go's compiler, tools and library.
build go {
  for release, distro, arch
  tools  = c.toolchain(distro)
  tools  += [older-go]
  source = go-src
  dir    = "src"
  env    = { GOROOT_BOOTSTRAP = "/opt/go", GO_LDFLAGS = "-s -w -buildid=" }
  script = """
    ./make.bash
    mkdir -p "$OUT/usr/local/go/pkg"
    cp -a ../{bin,lib,misc,src,LICENSE,VERSION,go.env} "$OUT/usr/local/go/"
    cp -a ../pkg/{include,tool} "$OUT/usr/local/go/pkg/"
  """
}

## Go with a shell, for builds without C. The dev flavor also has a compiler of C and C++, make and git.
image golang {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version = release.version
  license = "BSD-3-Clause"
  dates   = release.dates
  tags    = tag.image(release, among = releases, distro, flavor)
  packages += match distro {
    alpine => ["busybox", "busybox-binsh"]
    debian => ["bash", "coreutils", "findutils"]
  }
  contents = [go]
  env.GOLANG_VERSION = "{{release.version}}"
  env.GOPATH = "/go"
  env.GOTOOLCHAIN = "local"
  env.PATH = "/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  paths += {
    "/go" = directory(owner = "nonroot", group = "nonroot")
    "/go/bin" = directory(owner = "nonroot", group = "nonroot")
    "/go/src" = directory(owner = "nonroot", group = "nonroot")
    "/usr/src" = directory(owner = "nonroot", group = "nonroot")
    "/home/nonroot/.config/go/telemetry/mode" = file(
      text = "off 1970-01-01\n",
      owner = "nonroot",
      group = "nonroot",
    )
  }
  work-dir = "/go"
  cmd      = ["go", "help"]
  when flavor == dev {
    use base.dev(distro)
    packages += ["g++", "gcc", "git", "make"] + match distro {
      alpine => ["musl-dev"]
      debian => ["libc6-dev"]
    }
    paths += { "/root/.config/go/telemetry/mode" = file(text = "off 1970-01-01\n") }
    cmd   = ["go", "help"]
  }
  waive shell { because = "cgo, go generate and the tests of many modules call one" }
  waive elf-pie { paths = ["/usr/local/go/**"], because = "Go links its own tools at fixed addresses" }
  waive elf-relro { paths = ["/usr/local/go/**"], because = "Go's own linker makes no such segment" }
  test "says its version" { run = ["go", "version"]; stdout = contains("go{{release.version}}") }
}
