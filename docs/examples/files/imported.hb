hbuild 1
import std/base

# Imported from 1 definition of files.
# Not carried over:
# - vcs-url `https://git.example/images/files`: hbuild knows the repository of the recipe itself
# - layering `{strategy: origin, budget: 10}`: hbuild lays its layers out itself
# - archs `riscv64`: hbuild builds for amd64 and arm64

for distro in [alpine("3.22")], arch in [amd64, arm64]

# Not carried over:
# - contents.keyring `https://alpinelinux.org/keys/alpine-devel@lists.alpinelinux.`: the key has to stand
#   beside the recipe: add a `repository` with it
# Added:
# - `base.runtime(alpine3.22)` brings more: accounts nobody, nonroot
image files {
  for distro, arch
  use base.runtime(distro)
  license     = "BSD-2-Clause"
  packages    += ["musl", "nginx", "nginx-mod-http-brotli"]
  users       = { web = { uid = 10001, home = "/srv" } }
  groups      = { web = { gid = 10001 } }
  run-as      = "web"
  env         = { TZ = "UTC" }
  annotations = { "org.opencontainers.image.title" = "files" }
  paths = {
    "/srv/www" = directory(owner = "web")
    "/var/lib/nginx" = attrs(owner = "web", mode = 0o750)
    "/var/lib/nginx/**" = attrs(owner = "web", mode = 0o750)
    "/var/log/nginx/access.log" = symlink("/dev/stdout")
  }
  work-dir    = "/srv"
  entrypoint  = ["/usr/sbin/nginx", "-g", "daemon off; pid /tmp/nginx.pid;"]
  volumes     = ["/srv/www"]
  stop-signal = "SIGQUIT"
}
