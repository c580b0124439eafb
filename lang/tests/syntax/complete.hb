hbuild 1   # every production of the grammar
# An ordinary comment.

import std/base
import "lib/common.hb"

## What varies.
let releases = { "8.8" = { version = version("8.8.2") }, "7.4" = {} }
let flags = true == false
let empty = []
let nothing = none
let numbers = [0, 1, 0o755,]
let raw = [r"C:\{{x}}", r#"a "quoted" word"#]
let names = [release.label for release in releases when release.version >= version("7.4")]
let all = [file("/etc/{{ name }}") for name in names]
let pairs = [file(key, value) for key, value in table]
let table = { "{{name}}" = name.Upper for name in names }
let filtered = {
  "{{name}}" = name
  for name in names
  when name != "x"
}
let braces = "{{"{{"}} and {{names.join(", ")}}"
let chained = all
  + names   # the operator begins the line
  .without("x")
  + [flags or not flags and not (1 < 2), 1 <= 2, 2 > 1, 1 == 1, "a" in names]

for release in releases, distro in release.distros,
  arch in [amd64, arm64]

fn hardened(distro, level = "high",) = [distro is debian, distro is debian("13"), level]
fn settings() {
  env.PATH = "/usr/bin"
}

repository extra {
  for distro in [debian("13")]
  url = "http://ftp.debian.org/debian"
}

source code { url = "debian:pool/x", strip = 0 }

build server {
  for release,
    distro, arch
  for release
  use settings()
  step "compile" { script = """make -j"$JOBS" """ }
  check = """
    make check V={{release.version}}
  """
}

## The image,
## in two lines.
image server {
  extends = base.image
  packages += ["a", "b"]
  "quoted".BUILD_TLS = match release.version.major {
    8 => "eight", "7" => "seven", _ => none
    true => 1
    debian(_, "13",) => 2
    alpine() => 3
  }
  dict = match distro {}
  env = { A = 1, b = 2
    "c" = 3,
  }
  when flavor == dev { use base.dev(distro, root = true,); title = "x" }
  test "runs" { run = ["server", "--version"]; stdout = contains("8"); }
  waive elf-relro {
    paths = ["/usr/bin/*"],
    because = "upstream",
  }
}
