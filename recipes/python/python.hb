hbuild 1
import std/base

for distro in [debian("13")], flavor in [runtime, dev], arch in [amd64, arm64]

## Debian's Python without a shell or a package manager.
image python {
  for distro, flavor, arch
  use base.runtime(distro)
  version  = "3.13"
  license  = "PSF-2.0"
  packages += ["python3"]
  exclude  += ["dpkg"]   # for python3-minimal's scripts, which do not run
  env.PYTHONDONTWRITEBYTECODE = "1"   # the root file system is read-only
  entrypoint = ["/usr/bin/python3"]
  when flavor == runtime {
    # Where OpenSSL looks without SSL_CERT_FILE; the package openssl would bring it.
    paths += { "/usr/lib/ssl/certs" = symlink("/etc/ssl/certs") }
  }
  when flavor == dev {
    use base.dev(distro)
    packages += ["python3-pip", "python3-venv"]
  }
  test "has TLS and SQLite" { run = ["/usr/bin/python3", "-c", "import ssl, sqlite3"] }
}
