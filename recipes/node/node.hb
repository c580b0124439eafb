hbuild 1
import std/base
import std/c
import std/tag

let releases = {
  "26" = {
    version = version("26.7.0")
    sha256  = "e6b182cbeeab032d1082ca4ac4fe15e3a57de691d3bde78ecf8a761fd56ee356"
    dates   = { release = "2026-05-05", end-of-life = none }
    distros = [alpine("3.24"), debian("13")]
  }
  # Debian 13's own, which Debian keeps safe: its packages instead of upstream's source.
  "20" = {
    version = version("20.19.2")
    sha256  = none
    dates   = { release = "2023-04-18", end-of-life = "2026-04-30" }
    distros = [debian("13")]
  }
}

for release in releases, distro in release.distros, flavor in [runtime, dev], arch in [amd64, arm64]

source node-src {
  for release in ["26"]
  url     = "https://nodejs.org/dist/v{{release.version}}/node-v{{release.version}}.tar.xz"
  sha256  = release.sha256
  license = "MIT"
  purl    = "pkg:generic/node@{{release.version}}"
  cpe     = "cpe:2.3:a:nodejs:node.js:{{release.version}}:*:*:*:*:*:*:*"
}

## Node with the libraries that come in its source; the output `dev` has npm and the headers. It takes an hour.
build nodejs {
  for release in ["26"], distro, arch
  tools = c.cxx(distro) + match distro {
    alpine => ["cargo", "python3", "rust"]
    debian => ["cargo", "python3", "rustc"]
  }
  source  = node-src
  env     = c.hardening
  outputs = ["dev"]
  step "compile" {
    script = """
      ./configure --prefix=/usr/local --openssl-use-def-ca-store
      make -j"$JOBS"
    """
  }
  step "install" {
    script = """
      make install DESTDIR="$OUT"
      cd "$OUT/usr/local"
      rm -r share
      mkdir -p "$OUT_DEV/usr/local/bin"
      mv bin/npm bin/npx "$OUT_DEV/usr/local/bin/"
      mv include lib "$OUT_DEV/usr/local/"
    """
  }
}

## Node.js without a shell or a package manager. The dev flavor has both, npm and git.
image node {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version = release.version
  license = "MIT"
  dates = release.dates
  tags = tag.image(release, among = releases, distro, flavor)
  users += { node = { uid = 1000, gid = 1000, home = "/home/node", shell = "/sbin/nologin", gecos = "node" } }
  groups += { node = { gid = 1000 } }
  run-as = "node"
  env.NODE_VERSION = "{{release.version}}"
  paths += {
    "/app" = directory()
    "/home/node" = directory(owner = "node", group = "node", mode = 0o700)
  }
  work-dir = "/app"
  cmd      = ["node"]
  when release == "26" {
    packages += match distro {
      alpine => ["libgcc", "libstdc++", "musl"]
      debian => ["libatomic1", "libc6", "libstdc++6"]
    }
    contents = [nodejs]
  }
  when release == "20" { packages += ["nodejs"] }
  when flavor == dev {
    use base.dev(distro)
    cmd = ["node"]
    env.NPM_CONFIG_UPDATE_NOTIFIER = "false"
    packages += ["git"]
  }
  when flavor == dev and release == "26" { contents += [nodejs.dev] }
  when flavor == dev and release == "20" { packages += ["npm"] }
  test "computes" { run = ["node", "-p", "6 * 7"]; stdout = equals("42\n") }
}
