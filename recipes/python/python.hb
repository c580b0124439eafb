hbuild 1
import std/base
import std/c
import std/tag

let releases = {
  "3.14" = {
    version = version("3.14.7")
    sha256  = "3b48dac8fb59f62eaa67ac83c1eb12bda1b7a08406dd286e252c11a66be27f81"
    dates   = { release = "2025-10-07", end-of-life = "2030-10-31" }
    distros = [alpine("3.24"), debian("13")]
  }
  # Debian 13's own, which Debian keeps safe: its packages instead of upstream's source.
  "3.13" = {
    version = version("3.13")
    sha256  = none
    dates   = { release = "2024-10-07", end-of-life = "2029-10-31" }
    distros = [debian("13")]
  }
  "3.12" = {
    version = version("3.12.13")
    sha256  = "c08bc65a81971c1dd5783182826503369466c7e67374d1646519adf05207b684"
    dates   = { release = "2023-10-02", end-of-life = "2028-10-31" }
    distros = [alpine("3.24"), debian("13")]
  }
}

for release in releases, distro in release.distros, flavor in [runtime, dev], arch in [amd64, arm64]

source python-src {
  for release in ["3.14", "3.12"]
  url     = "https://www.python.org/ftp/python/{{release.version}}/Python-{{release.version}}.tar.xz"
  sha256  = release.sha256
  license = "PSF-2.0"
  purl    = "pkg:generic/python@{{release.version}}"
  cpe     = "cpe:2.3:a:python:python:{{release.version}}:*:*:*:*:*:*:*"
}

## The interpreter with its library; the output `dev` has headers, `pip` and what `venv` needs.
build cpython {
  for release in ["3.14", "3.12"], distro, arch
  tools = c.toolchain(distro) + ["pkgconf"]
  inputs = match distro {
    alpine => [
      "bzip2-dev", "libffi-dev", "ncurses-dev", "openssl-dev", "readline-dev", "sqlite-dev",
      "util-linux-dev", "xz-dev", "zlib-dev", "zstd-dev",
    ]
    debian => [
      "libbz2-dev", "libffi-dev", "liblzma-dev", "libncurses-dev", "libreadline-dev", "libsqlite3-dev",
      "libssl-dev", "libzstd-dev", "uuid-dev", "zlib1g-dev",
    ]
  }
  source  = python-src
  env     = c.hardening
  outputs = ["dev"]
  step "compile" {
    script = """
      ./configure --prefix=/usr/local --with-ensurepip=install --disable-test-modules
      make -j"$JOBS"
    """
  }
  step "install" {
    script = """
      make install DESTDIR="$OUT"
      cd "$OUT/usr/local"
      ln -s python3 bin/python
      rm -r bin/idle3* bin/pydoc3* lib/libpython*.a lib/python*/{idlelib,tkinter,turtledemo} share
      dev="$OUT_DEV/usr/local"
      lib=$(echo lib/python*)
      mkdir -p "$dev/bin" "$dev/$lib/site-packages"
      mv bin/*-config bin/pip* "$dev/bin/"
      mv include "$dev/"
      mv lib/pkgconfig "$dev/lib/"
      mv "$lib"/{config-*,ensurepip} "$dev/$lib/"
      mv "$lib"/site-packages/pip* "$dev/$lib/site-packages/"
    """
  }
}

## Python without a shell or a package manager. The dev flavor has both, pip and venv.
image python {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version = release.version
  license = "PSF-2.0"
  dates   = release.dates
  tags    = tag.image(release, among = releases, distro, flavor)
  env.PYTHONDONTWRITEBYTECODE = "1"   # the root file system is read-only
  cmd = ["python3"]
  when release != "3.13" {
    packages += match distro {
      alpine => [
        "libbz2", "libcrypto3", "libffi", "libncursesw", "libssl3", "libuuid", "musl", "readline",
        "sqlite-libs", "xz-libs", "zlib", "zstd-libs",
      ]
      debian => [
        "libbz2-1.0", "libc6", "libffi8", "liblzma5", "libncursesw6", "libreadline8t64", "libsqlite3-0",
        "libssl3t64", "libuuid1", "libzstd1", "zlib1g",
      ]
    }
    contents = [cpython]
    env.PYTHON_VERSION = "{{release.version}}"
  }
  when release == "3.13" {
    packages += ["python3"]
    exclude  += ["dpkg"]   # for python3-minimal's scripts, which do not run
  }
  when release == "3.13" and flavor == runtime {
    # Where OpenSSL looks without SSL_CERT_FILE; the package openssl would bring it.
    paths += { "/usr/lib/ssl/certs" = symlink("/etc/ssl/certs") }
  }
  when flavor == dev {
    use base.dev(distro)
    cmd = ["python3"]
  }
  when flavor == dev and release != "3.13" { contents += [cpython.dev] }
  when flavor == dev and release == "3.13" { packages += ["python3-pip", "python3-venv"] }
  test "has TLS and SQLite" { run = ["python3", "-c", "import ssl, sqlite3"] }
}
