hbuild 1

# Packages that the root of a build never has unless its recipe asks for them by name: the package manager, the
# questions of maintainer scripts and the services' helpers, for no script runs in a root; and libnsl-dev, of use to
# NIS alone, by which bookworm's libc6-dev would bring Kerberos and OpenSSL to every build. A recipe's `exclude +=`
# adds to them, `exclude =` replaces them.

let debian-root-exclude = [
  "cdebconf", "debconf", "dpkg", "init-system-helpers", "install-info", "libnsl-dev", "usr-is-merged",
  "usrmerge",
]

let alpine-root-exclude = ["apk-tools"]
