hbuild 1
import std/base
import std/c
import std/tag

# Debian's pool has upstream's own archives of both.
let releases = {
  "18" = {
    version = version("18.6")
    sha256  = "555610c24d53e4316da5b7d3fc25c279d96856d5e0e23ee308c328c5fa881d9f"
    dates   = { release = "2025-09-25", end-of-life = "2030-11-14" }
  }
  "17" = {
    version = version("17.12")
    sha256  = "9cf136a703d8ee2f83465c43be4e9e8e7930c82b0bfba13be7e2537be769ac55"
    dates   = { release = "2024-09-26", end-of-life = "2029-11-08" }
  }
}

for release in releases,
  distro in [alpine("3.24"), debian("13")],
  flavor in [runtime, dev],
  arch in [amd64, arm64]

let major = "{{release.version.major}}"
let prefix = "/opt/postgresql/{{major}}"
let data = "/var/lib/postgresql/{{major}}/data"

source postgres-src {
  for release
  url = [
    "https://ftp.postgresql.org/pub/source/v{{release.version}}/postgresql-{{release.version}}.tar.bz2",
    "debian:pool/main/p/postgresql-{{major}}/postgresql-{{major}}_{{release.version}}.orig.tar.bz2",
  ]
  sha256  = release.sha256
  license = "PostgreSQL"
  purl    = "pkg:generic/postgresql@{{release.version}}"
  cpe     = "cpe:2.3:a:postgresql:postgresql:{{release.version}}:*:*:*:*:*:*:*"
}

## Server, clients and all of contrib, without what calls other languages and without just-in-time compilation.
build postgresql {
  for release, distro, arch
  tools = c.toolchain(distro) + ["bison", "flex", "perl", "pkgconf"]
  inputs = match distro {
    alpine => [
      "curl-dev", "icu-dev", "krb5-dev", "libselinux-dev", "libxml2-dev", "libxslt-dev", "linux-pam-dev",
      "liburing-dev", "lz4-dev", "numactl-dev", "openldap-dev", "openssl-dev", "readline-dev",
      "util-linux-dev", "zlib-dev", "zstd-dev",
    ]
    debian => [
      "libcurl4-openssl-dev", "libicu-dev", "libkrb5-dev", "libldap-dev", "liblz4-dev", "libnuma-dev",
      "libpam0g-dev", "libreadline-dev", "libselinux1-dev", "libssl-dev", "liburing-dev", "libxml2-dev",
      "libxslt1-dev", "libzstd-dev", "uuid-dev", "zlib1g-dev",
    ]
  }
  source = postgres-src
  env    = c.hardening
  env.NEW_IN_18 = match release { "18" => "--with-libcurl --with-libnuma --with-liburing", "17" => none }
  step "compile" {
    script = """
      ./configure --prefix={{prefix}} --with-gssapi --with-icu --with-ldap --with-libxml --with-libxslt --with-lz4 \
        --with-pam --with-selinux --with-ssl=openssl --with-system-tzdata=/usr/share/zoneinfo --with-uuid=e2fs \
        --with-zstd ${NEW_IN_18:-}
      make -j"$JOBS" world-bin
    """
  }
  step "install" {
    script = """
      make install-world-bin DESTDIR="$OUT"
      sed -i "s/^#listen_addresses = 'localhost'/listen_addresses = '*'/" "$OUT{{prefix}}/share/postgresql.conf.sample"
      rm -r "$OUT{{prefix}}"/{include,lib/pkgconfig,lib/pgxs} "$OUT{{prefix}}"/lib/*.a
    """
  }
}

# initdb and the entry point need a shell.
let shell = match distro { alpine => ["bash", "busybox-binsh"], debian => ["bash", "dash"] }

## PostgreSQL with TLS, Kerberos, LDAP and ICU. Mount a volume on /var/lib/postgresql; the first start makes a database
## there with POSTGRES_PASSWORD and, if they are set, POSTGRES_USER and POSTGRES_DB.
image postgres {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version = release.version
  license = "PostgreSQL"
  dates   = release.dates
  tags    = tag.image(release, among = releases, distro, flavor)
  packages += shell + match distro {
    alpine => [
      "icu-data-full", "icu-libs", "krb5-libs", "libcrypto3", "libcurl", "libldap", "libselinux", "libssl3",
      "liburing", "libuuid", "libxml2", "libxslt", "linux-pam", "lz4-libs", "musl", "numactl", "readline",
      "zlib", "zstd-libs",
    ]
    debian => [
      "libc6", "libcurl4t64", "libgssapi-krb5-2", "libicu76", "libldap2", "liblz4-1", "libnuma1", "libpam0g",
      "libreadline8t64", "libselinux1", "libssl3t64", "liburing2", "libuuid1", "libxml2", "libxslt1.1",
      "libzstd1", "zlib1g",
    ]
  }
  contents = [postgresql]
  users += {
    postgres = { uid = 70, gid = 70, home = "/var/lib/postgresql", shell = "/bin/bash", gecos = "postgres" }
  }
  groups += { postgres = { gid = 70 } }
  run-as = "postgres"
  env.PATH = "{{prefix}}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  env.PGDATA = data
  env.PG_MAJOR = major
  paths += {
    "/run/postgresql" = directory(owner = "postgres", group = "postgres")
    "/var/lib/postgresql" = directory(owner = "postgres", group = "postgres")
    "{{data}}" = directory(owner = "postgres", group = "postgres", mode = 0o700)
    "/usr/local/bin/docker-entrypoint.sh" = file(mode = 0o755, text = """
      #!/bin/bash
      set -euo pipefail
      if [ $# = 0 ] || [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
      if [ "$1" = postgres ] && [ "${2:-}" != --version ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
        user=${POSTGRES_USER:-postgres} auth=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
        if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$auth" != trust ]; then
          echo "set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust" >&2
          exit 1
        fi
        initdb --username="$user" --auth-local=trust --auth-host="$auth" --pwfile=<(echo "${POSTGRES_PASSWORD:-none}") \
          --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8
        echo "host all all all $auth" >> "$PGDATA/pg_hba.conf"
        if [ "${POSTGRES_DB:-postgres}" != postgres ]; then
          echo "CREATE DATABASE :\"name\"" > /tmp/create.sql
          pg_ctl --wait -o "-c listen_addresses=''" start
          psql --username="$user" --dbname=postgres --set=name="$POSTGRES_DB" --file=/tmp/create.sql
          pg_ctl --wait --mode=fast stop
        fi
      fi
      exec "$@"
    """)
  }
  entrypoint  = ["/usr/local/bin/docker-entrypoint.sh"]
  ports       = ["5432/tcp"]
  stop-signal = "SIGINT"
  when flavor == dev {
    use base.dev(distro)
    cmd = []
  }
  waive shell { because = "initdb and the entry point run one" }
  test "prints its version" {
    run    = ["postgres", "--version"]
    stdout = contains("(PostgreSQL) {{release.version}}")
  }
}
