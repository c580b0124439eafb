hbuild 1
import std/base
import std/c
import std/tag

let releases = {
  "1.30" = {
    version = version("1.30.6")
    sha256  = "3cf46f5ed7504d460125866b7bea99fb357f31d887e2e63b35503310e9b8b6c8"
    dates   = { release = "2026-04-14" }
    distros = [alpine("3.24"), debian("13")]
  }
  "1.26" = {
    version = version("1.26.3")
    sha256  = "69ee2b237744036e61d24b836668aad3040dda461fe6f570f1787eab570c75aa"
    dates   = { release = "2024-04-23" }
    distros = [debian("13")]
  }
}

for release in releases, distro in release.distros, flavor in [runtime, dev], arch in [amd64, arm64]

source nginx-src {
  for release
  url = [
    "https://nginx.org/download/nginx-{{release.version}}.tar.gz",
    "debian:pool/main/n/nginx/nginx_{{release.version}}.orig.tar.gz",
  ]
  sha256  = release.sha256
  license = "BSD-2-Clause"
  purl    = "pkg:generic/nginx@{{release.version}}"
  cpe     = "cpe:2.3:a:f5:nginx:{{release.version}}:*:*:*:*:*:*:*"
}

build nginx-server {
  for release, distro, arch
  version = release.version
  tools   = c.toolchain(distro)
  inputs = match distro {
    alpine => ["openssl-dev", "pcre2-dev", "zlib-dev"]
    debian => ["libpcre2-dev", "libssl-dev", "zlib1g-dev"]
  }
  source = nginx-src
  env    = c.hardening
  step "compile" {
    script = """
      ./configure --prefix=/usr/share/nginx --sbin-path=/usr/sbin/nginx --conf-path=/etc/nginx/nginx.conf \
        --pid-path=/tmp/nginx.pid --lock-path=/tmp/nginx.lock \
        --error-log-path=stderr --http-log-path=/dev/stdout \
        --http-client-body-temp-path=/tmp/client --http-proxy-temp-path=/tmp/proxy \
        --http-fastcgi-temp-path=/tmp/fastcgi --http-uwsgi-temp-path=/tmp/uwsgi --http-scgi-temp-path=/tmp/scgi \
        --with-threads --with-file-aio --with-http_ssl_module --with-http_v2_module --with-http_v3_module \
        --with-http_realip_module --with-http_gzip_static_module --with-http_stub_status_module \
        --with-http_auth_request_module --with-stream --with-stream_ssl_module --with-stream_ssl_preread_module \
        --with-cc-opt="$CFLAGS -fPIE" --with-ld-opt="$LDFLAGS -pie"
      make -j"$JOBS"
    """
  }
  step "install" {
    script = """
      make install DESTDIR="$OUT"
      rm "$OUT"/etc/nginx/*.default "$OUT"/etc/nginx/nginx.conf
    """
  }
}

## nginx on port 8080, as nobody special, with a read-only root: mount a tmpfs on /tmp.
image nginx {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version = release.version
  license = "BSD-2-Clause"
  dates   = release.dates
  tags    = tag.image(release, among = releases, distro, flavor)
  packages += match distro {
    alpine => ["libcrypto3", "libssl3", "musl", "pcre2", "zlib"]
    debian => ["libc6", "libcrypt1", "libpcre2-8-0", "libssl3t64", "zlib1g"]
  }
  contents = [nginx-server]
  # The account that every recipe has here, by the name that its users know.
  users.nonroot = none
  groups.nonroot = none
  users += {
    nginx = { uid = 65532, gid = 65532, home = "/home/nonroot", shell = "/sbin/nologin", gecos = "nginx" }
  }
  groups += { nginx = { gid = 65532 }, www-data = { gid = 82 } }
  run-as = "nginx"
  env.NGINX_VERSION = "{{release.version}}"
  paths."/home/nonroot" = directory(owner = "nginx", group = "nginx", mode = 0o700)
  paths = {
    "/etc/nginx/nginx.conf" = file(text = """
      worker_processes auto;
      pid /tmp/nginx.pid;
      error_log stderr warn;
      events { worker_connections 1024; }
      http {
        include /etc/nginx/mime.types;
        default_type application/octet-stream;
        access_log /dev/stdout;
        sendfile on;
        include /etc/nginx/conf.d/*.conf;
      }
    """)
    "/etc/nginx/conf.d/default.conf" = file(text = """
      server {
        listen 8080;
        root /usr/share/nginx/html;
        index index.html;
      }
    """)
  }
  entrypoint  = ["nginx"]
  cmd         = ["-g", "daemon off;"]
  ports       = ["8080/tcp"]
  stop-signal = "SIGQUIT"
  when flavor == dev {
    use base.dev(distro)
    packages += match distro { alpine => ["gettext-envsubst"], debian => ["gettext-base"] }
    cmd      = ["-g", "daemon off;"]
  }
  test "its configuration is good" { run = ["/usr/sbin/nginx", "-t"] }
}
