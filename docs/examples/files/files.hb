hbuild 1
import std/base

for distro in [alpine("3.22")], flavor in [runtime, dev], arch in [amd64, arm64]

## Serves what is below /srv/www on port 8080.
image files {
  for distro, flavor, arch
  use base.runtime(distro)
  version  = "1.0.0"
  license  = "BSD-2-Clause"
  packages += ["musl", "nginx", "nginx-mod-http-brotli"]
  users    = { web = { uid = 10001, gid = 10001, home = "/srv", shell = "/sbin/nologin" } }
  groups   = { web = { gid = 10001 } }
  paths = {
    "/etc/nginx/http.d/default.conf" = file(text = """
      server {
        listen 8080;
        root /srv/www;
        brotli on;
      }
    """)
    "/srv/www" = directory(owner = "web", group = "web")
    "/var/lib/nginx" = attrs(owner = "web", group = "web", mode = 0o750)
    "/var/lib/nginx/**" = attrs(owner = "web", group = "web", mode = 0o750)
    "/var/log/nginx/access.log" = symlink("/dev/stdout")
    "/var/log/nginx/error.log" = symlink("/dev/stderr")
  }
  env.TZ = "UTC"
  run-as      = "web"
  work-dir    = "/srv"
  volumes     = ["/srv/www"]
  ports       = ["8080/tcp"]
  stop-signal = "SIGQUIT"
  entrypoint  = ["/usr/sbin/nginx", "-g", "daemon off; pid /tmp/nginx.pid;"]
  when flavor == dev { use base.dev(distro) }
  test "prints its version" { run = ["/usr/sbin/nginx", "-v"]; stderr = contains("nginx/") }
}
