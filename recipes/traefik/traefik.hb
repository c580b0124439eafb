hbuild 1
import std/base
import std/c
import std/tag

let releases = {
  "3.7" = {
    version = version("3.7.11")
    sha256  = "e046727bf3a6538f7e2205ca0ac27334441102d01e3a854af710c03a138125a1"
    dates   = { release = "2026-06-30" }
  }
}

for release in releases,
  distro in [alpine("3.24"), debian("13")],
  flavor in [runtime, dev],
  arch in [amd64, arm64]

source traefik-src {
  for release
  url = "https://github.com/traefik/traefik/releases/download/v{{release.version}}/traefik-v{{release.version}}.src.tar.gz"
  sha256  = release.sha256
  strip   = 0
  license = "MIT"
  purl    = "pkg:github/traefik/traefik@v{{release.version}}"
  cpe     = "cpe:2.3:a:traefik:traefik:{{release.version}}:*:*:*:*:*:*:*"
}

# A sandbox has no network, so the Go modules come as a source. Upstream's archive has none: `go mod vendor` in the
# unpacked archive makes this folder, which `go.sum` vouches for.
source traefik-modules { path = "vendor" }

# Go 1.26 as the catalogue of hardened images has it. Debian's own is too old for Traefik.
source go {
  oci = "dhi.io/pkg-golang@sha256:f51ffbdf63a2d7821df1c6b56f21e082a4ae8a643a12de5e7d665a6a38cfe9df"
}

## One static program, the dashboard in it.
build traefik-program {
  for release, distro, arch
  tools   = c.toolchain(distro)
  tools   += [go.only(["usr/local/go/**"])]
  sources = { modules = traefik-modules, traefik = traefik-src }
  dir     = "traefik"
  env     = { CGO_ENABLED = "0", GOFLAGS = "-mod=vendor -trimpath" }
  script = """
    mv "$SRC/modules" vendor
    export PATH="/usr/local/go/bin:$PATH"
    version=github.com/traefik/traefik/v{{release.version.major}}/pkg/version.Version={{release.version}}
    go build -ldflags "-s -w -X $version" -o "$OUT/usr/bin/traefik" ./cmd/traefik
  """
}

## Traefik, a reverse proxy that finds its services itself.
image traefik {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version    = release.version
  license    = "MIT"
  dates      = release.dates
  tags       = tag.image(release, among = releases, distro, flavor)
  contents   = [traefik-program]
  paths      += { "/plugins-storage" = directory(owner = "nonroot", group = "nonroot") }
  entrypoint = ["/usr/bin/traefik"]
  when flavor == dev {
    use base.dev(distro)
    cmd = []
  }
  waive elf-pie { paths = ["/usr/bin/traefik"], because = "Go links static programs at fixed addresses" }
  waive elf-relro { paths = ["/usr/bin/traefik"], because = "Go's own linker makes no such segment" }
  test "says its version" { run = ["/usr/bin/traefik", "version"]; stdout = contains(release.version) }
}
