hbuild 1
import std/base

for distro in [debian("13")], flavor in [runtime, dev], arch in [amd64, arm64]

## Debian's nginx on port 8080, as nobody special, with a read-only root: mount a tmpfs on /tmp.
image nginx {
  for distro, flavor, arch
  use base.runtime(distro)
  version  = "1.26"
  license  = "BSD-2-Clause"
  packages += ["nginx"]
  paths = {
    "/etc/nginx/nginx.conf" = file(text = """
      worker_processes auto;
      pid /tmp/nginx.pid;
      error_log /dev/stderr warn;
      events { worker_connections 1024; }
      http {
        include /etc/nginx/mime.types;
        default_type application/octet-stream;
        access_log /dev/stdout;
        client_body_temp_path /tmp/client;
        proxy_temp_path /tmp/proxy;
        fastcgi_temp_path /tmp/fastcgi;
        uwsgi_temp_path /tmp/uwsgi;
        scgi_temp_path /tmp/scgi;
        sendfile on;
        include /etc/nginx/conf.d/*.conf;
      }
    """)
    "/etc/nginx/conf.d/default.conf" = file(text = """
      server {
        listen 8080;
        root /var/www/html;
        index index.html index.nginx-debian.html;
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
