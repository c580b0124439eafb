hbuild 1

# What the maintainer scripts of each package do to an image, by package name. Runtime images run no scripts:
# hbuild makes these effects itself. Calls of `update-alternatives`, `dpkg-divert`, `adduser` and its like, `add-shell`
# and sysusers are read from the scripts and need no entry for themselves. A package whose scripts do something and that is not here is named in
# the evidence.
#
#   base-files   directories such as /var/mail, /etc/profile, the files of /root
#   accounts     /etc/passwd, /etc/group and their shadows from the masters of base-passwd, or of Alpine's base layout
#   applets      the links of busybox's applets, by the lists in /etc/busybox-paths.d
#   ca-bundle    /etc/ssl/certs: the bundle and its hash links
#   ld-so-cache  /etc/ld.so.cache
#   nsswitch     /etc/nsswitch.conf
#   time-zone    /etc/localtime and /etc/timezone, UTC
#   shells       /etc/shells
#   no-effect    nothing that matters in an image: upgrades from old versions, services, bytecode, debconf

let quiet = [
  "adduser", "apt", "coreutils", "debconf", "debian-archive-keyring", "dpkg", "gawk", "git", "gzip",
  "init-system-helpers", "iproute2", "less", "libgcrypt20", "libgssapi-krb5-2", "libpam-modules",
  "libpam-modules-bin", "libpam-runtime", "libpam0g", "libpython3.11-minimal", "libpython3.13-minimal",
  "libreadline8t64", "libselinux1", "libtirpc3t64", "login", "login.defs", "mawk", "media-types", "musl-dev",
  "netbase", "nginx", "nginx-common", "node-undici", "nodejs", "openssl", "original-awk", "passwd", "perl",
  "perl-base", "pkgconf-bin", "postgresql-client-15", "postgresql-client-17", "postgresql-client-common",
  "procps", "python3", "python3-distutils", "python3-lib2to3", "python3-minimal", "python3-packaging",
  "python3-pip", "python3-pkg-resources", "python3-setuptools", "python3-venv", "python3-wheel", "python3.11",
  "python3.11-minimal", "python3.11-venv", "python3.13", "python3.13-minimal", "python3.13-venv",
  "readline-common", "tar", "usrmerge", "util-linux", "util-linux-extra", "vim-common", "vim-tiny",
]

let debian-packages = {
  "base-files"      = ["base-files"]
  "base-passwd"     = ["accounts"]
  "bash"            = ["shells"]
  "ca-certificates" = ["ca-bundle"]
  "dash"            = ["shells"]
  "debianutils"     = ["shells"]
  "libc-bin"        = ["ld-so-cache", "nsswitch"]
  "libc6"           = ["ld-so-cache"]
  "tzdata"          = ["time-zone"]
  "zsh"             = ["shells"]
} + { "{{name}}" = ["no-effect"] for name in quiet }

# What Alpine's scripts do besides: chown of /etc/shadow, which `accounts` does; services; a reload of udev.
let alpine-quiet = ["alpine-baselayout", "eudev", "mdevd", "openrc"]

let alpine-packages = {
  "alpine-baselayout-data" = ["accounts"]
  "busybox"                = ["applets"]
  "ca-certificates"        = ["ca-bundle"]
} + { "{{name}}" = ["no-effect"] for name in alpine-quiet }
