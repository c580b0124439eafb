hbuild 1
import std/base
import "common.hb"

# A comment.
## A description.
let releases = {
  "8.8" = { version = version("8.8.2"), distros = [alpine("3.24"), debian("13")], note = none }
}
for release in releases, distro in release.distros, flavor in [runtime, dev], arch in [amd64, arm64]

fn names(list, prefix = "a\n\u{1f600}") = [prefix + name for name in list when name != "x" and not name in ["y"]]
fn server(distro) {
  packages += match distro { alpine => ["libssl3"], _ => [] }
  env.PATH = "/bin"
  os-release."VARIANT_ID" = "x"
}

source app-src {
  for release
  url    = "https://example.org/app-{{release.version.prefix(2)}}.tar.gz"
  sha256 = release.sha256
}

build app {
  for release, distro, arch
  tools  = c.toolchain(distro) + ["cmake"]
  source = app-src
  env    = { CFLAGS = "-O2", "A-B" = r"\d{{x}}" }
  step "compile" { script = """make -j"$JOBS" VERSION={{release.version}}""" }
  step "install" {
    dir    = "sub"
    script = """
      # The shell's own comment: {{release.version}}
      make install DESTDIR="$OUT/{{names.join(", ")}}"
      cat > "$OUT/x" <<'END'
      it's {{"{{"}} braces }}
      END
    """
  }
  check = "make check"
}

image app-image {
  for release in ["8.8"], distro, arch
  use base.runtime(distro)
  contents = [app.modules.at("/opt").only(["bin/**"]), app(release = "7.4")]
  paths += {
    "/etc/a" = file(text = """
      text of {{release.version}}
    """, mode = 0o644)
    "/x/**" = delete
  }
  when flavor == dev and distro is debian("13") or release.version >= version("8") { use base.dev(distro) }
  test "runs" { run = ["/bin/app", "--n=1"]; stdout = contains(release.version); status = 0 }
  waive elf-relro { paths = ["/usr/bin/*"], because = "a \"reason\"" }
  labels = { "a" = r#"raw "quotes""#, "b" = r#"""
    raw
    """# }
}
