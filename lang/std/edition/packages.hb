hbuild 1

# Packages that the root of a build never has unless its recipe asks for them by name: the package manager, the
# questions of maintainer scripts and the services' helpers. No script runs in a root. A recipe's `exclude +=` adds
# to them, `exclude =` replaces them.

let debian-root-exclude = [
  "cdebconf", "debconf", "dpkg", "init-system-helpers", "install-info", "usr-is-merged", "usrmerge",
]

let alpine-root-exclude = ["apk-tools"]
