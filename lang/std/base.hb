hbuild 1

# What nearly every image begins with.

let accounts = {
  root    = { uid = 0, gid = 0, home = "/root", shell = "/sbin/nologin", gecos = "root" }
  nobody  = { uid = 65534, gid = 65534, home = "/nonexistent", shell = "/sbin/nologin", gecos = "nobody" }
  nonroot = { uid = 65532, gid = 65532, home = "/home/nonroot", shell = "/sbin/nologin", gecos = "nonroot" }
}

## A distroless runtime: the distro's directories and os-release, the CA bundle, time zones, media types, network
## names, the accounts root, nobody and nonroot, and nonroot to run as.
fn runtime(distro) {
  packages += match distro {
    debian => ["base-files", "ca-certificates", "media-types", "netbase", "tzdata"]
    alpine => ["alpine-baselayout-data", "alpine-release", "ca-certificates-bundle", "tzdata"]
  }
  # Their maintainer scripts need these; hbuild makes their effects itself.
  exclude += match distro {
    debian => ["cdebconf", "debconf", "gawk", "mawk", "openssl", "original-awk"]
    alpine => []
  }
  users += { nobody = accounts.nobody, nonroot = accounts.nonroot }
  users.root = accounts.root
  groups += {
    root    = { gid = 0 }
    tty     = { gid = 5 }
    staff   = { gid = 50 }
    nogroup = { gid = match distro { debian => 65534, alpine => 65533 } }
    nonroot = { gid = 65532 }
  }
  run-as = "nonroot"
  env.PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  env.SSL_CERT_FILE = "/etc/ssl/certs/ca-certificates.crt"
  os-release.VARIANT_ID = "runtime"
  paths += {
    "/home/nonroot" = directory(owner = "nonroot", group = "nonroot", mode = 0o700)
  }
}

fn apt-sources(suite) = {
  "/etc/apt/sources.list.d/debian.sources" = file(
    text = """
      Types: deb
      URIs: http://deb.debian.org/debian
      Suites: {{suite}} {{suite}}-updates
      Components: main
      Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

      Types: deb
      URIs: http://deb.debian.org/debian-security
      Suites: {{suite}}-security
      Components: main
      Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
    """,
  )
}

## What a dev flavor adds to the runtime: a shell, the core tools and the package manager with the distro's own
## repositories, and root to run as. Use it in a `when flavor == dev` beside `runtime`.
fn dev(distro) {
  packages += match distro {
    debian => [
      "apt", "base-passwd", "bash", "coreutils", "dash", "debconf", "debian-archive-keyring", "diffutils",
      "dpkg", "findutils", "grep", "gzip", "hostname", "libc-bin", "mawk", "ncurses-base", "openssl",
      "perl-base", "sed", "tar", "util-linux",
    ]
    alpine => ["alpine-baselayout", "alpine-keys", "apk-tools", "bash", "busybox", "coreutils"]
  }
  users.root = { uid = 0, gid = 0, home = "/root", shell = "/bin/bash", gecos = "root" }
  users."_apt" = match distro {
    debian => { uid = 42, gid = 65534, home = "/nonexistent", shell = "/usr/sbin/nologin", gecos = "" }
    alpine => none
  }
  run-as = "root"
  paths += match distro {
    debian("12") => apt-sources("bookworm")
    debian("13") => apt-sources("trixie")
    debian("14") => apt-sources("forky")
    debian => {}
    alpine => {}
  }
  env.DEBIAN_FRONTEND = match distro { debian => "noninteractive", alpine => none }
  cmd = ["/bin/bash"]
  os-release.VARIANT_ID = "dev"
}

## A shell in a runtime flavor, for entry points that are scripts, with the reason that waives the rule against it. The
## dev flavor of `dev` has one already.
fn shell(distro, because) {
  packages += match distro { debian => ["dash"], alpine => ["busybox-binsh"] }
  waive shell { because = because }
}
