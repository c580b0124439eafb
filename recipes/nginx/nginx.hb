hbuild 1
import std/base
import std/c

for distro in [debian("13")], flavor in [runtime, dev], arch in [amd64, arm64]

let release = "1.26.3"

source nginx-src {
  url = [
    "https://nginx.org/download/nginx-{{release}}.tar.gz",
    "debian:pool/main/n/nginx/nginx_{{release}}.orig.tar.gz",
  ]
  sha256  = "69ee2b237744036e61d24b836668aad3040dda461fe6f570f1787eab570c75aa"
  license = "BSD-2-Clause"
  purl    = "pkg:generic/nginx@{{release}}"
  cpe     = "cpe:2.3:a:f5:nginx:{{release}}:*:*:*:*:*:*:*"
}

build nginx-server {
  for distro, arch
  version = release
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
  for distro, flavor, arch
  use base.runtime(distro)
  version = release
  license = "BSD-2-Clause"
  packages += match distro {
    alpine => ["libcrypto3", "libssl3", "pcre2", "zlib"]
    debian => ["libc6", "libcrypt1", "libpcre2-8-0", "libssl3t64", "zlib1g"]
  }
  contents = [nginx-server]
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
  entrypoint  = ["/usr/sbin/nginx"]
  cmd         = ["-g", "daemon off;"]
  ports       = ["8080/tcp"]
  stop-signal = "SIGQUIT"
  when flavor == dev { use base.dev(distro) }
  test "its configuration is good" { run = ["/usr/sbin/nginx", "-t"] }
}
