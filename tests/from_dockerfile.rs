//! Images as the base of Dockerfiles: what is compiled or installed in the dev flavor is copied into the runtime flavor,
//! with buildah, and runs there with podman.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

use support::images::{configuration, folder, has, hbuild, is_root, mirror, must, podman};

/// A compiler in the dev flavor, what its programs need in the runtime flavor.
const RECIPE: &str = r#"hbuild 1
import std/base
import std/debian

for distro in [debian("12")], flavor in [runtime, dev], arch in [amd64]

image cc {
  for distro, flavor, arch
  use base.runtime(distro)
  repositories = debian.main(distro)
  version      = "1"
  packages     += ["libc6"]
  when flavor == dev {
    use base.dev(distro)
    packages += ["libc6-dev", "make", "tcc"]
  }
}
"#;

const PROGRAM: &str = r#"#include <stdio.h>
#include <unistd.h>
int main(int count, char **words) {
    printf("Hello, %s! I am %d.\n", count > 1 ? words[1] : "nobody", (int) getuid());
    return 0;
}
"#;

const DOCKERFILE: &str = r#"ARG DEV
ARG RUNTIME
FROM ${DEV} AS build
ARG MIRROR
# Debian's own repositories are named in the image; here they are asked for at the mirror of the tests.
RUN sed -i -e "s,http://deb.debian.org/debian$,$MIRROR," -e 's/ bookworm-updates//' -e '/^$/,$d' \
    /etc/apt/sources.list.d/debian.sources \
 && apt-get -q update && apt-get -qy install hello && hello && dpkg --verify
WORKDIR /src
COPY greet.c .
RUN make CC=tcc greet && ./greet builder

FROM ${RUNTIME}
COPY --from=build /src/greet /usr/local/bin/greet
ENTRYPOINT ["greet"]
CMD ["world"]
"#;

/// The same on Alpine. The mirror beside the repository has no compiler, so apk installs a program.
const ALPINE_RECIPE: &str = r#"hbuild 1

for distro in [alpine("3.20")], flavor in [runtime, dev], arch in [amd64]

repository local {
  url        = "https://alpine.invalid/alpine"
  suite      = "v3.20"
  components = ["main"]
  key        = "test@hbuild-5f000000.rsa.pub"
}

image scan {
  for distro, flavor, arch
  repositories = [local]
  version      = "1"
  packages = match flavor {
    runtime => ["alpine-release", "musl"]
    dev => ["alpine-baselayout", "alpine-release", "apk-tools", "busybox-binsh"]
  }
  env.PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  when flavor == dev { run-as = "root" }
}
"#;

const ALPINE_DOCKERFILE: &str = r#"ARG DEV
ARG RUNTIME
FROM ${DEV} AS build
COPY mirror /mirror
RUN apk --no-cache --repositories-file /none -X /mirror/v3.20/main add scanelf \
 && scanelf -nB /usr/bin/scanelf && apk info --installed scanelf

FROM ${RUNTIME}
COPY --from=build /usr/bin/scanelf /usr/local/bin/scanelf
ENTRYPOINT ["scanelf", "-nB"]
CMD ["/usr/local/bin/scanelf"]
"#;

/// The storage driver that buildah and podman have here.
static STORAGE: LazyLock<&str> = LazyLock::new(|| {
    let works = buildah("overlay").args(["from", "scratch"]).output().unwrap().status.success();
    if works { "overlay" } else { "vfs" }
});

/// buildah with the storage of the tests' podman.
fn buildah(storage: &str) -> Command {
    let podman = podman(storage);
    let mut options = podman.get_args();
    let mut command = Command::new("buildah");
    while let Some(option) = options.next() {
        if ["--root", "--runroot", "--storage-driver"].iter().any(|known| option == *known) {
            command.arg(option).args(options.next());
        }
    }
    command
}

/// Whether buildah and podman can be used; skips aloud where not.
fn tools() -> bool {
    is_root() && has("buildah") && has("podman") && has("runc") && has("skopeo")
}

/// Builds the Dockerfile of the folder with these arguments as the image `name`; returns what was said.
fn build(context: &Path, name: &str, arguments: &[(&str, &str)]) -> String {
    let mut command = buildah(*STORAGE);
    command.args(["build", "--isolation", "chroot", "--tag", name]);
    for (argument, value) in arguments {
        command.args(["--build-arg", &format!("{argument}={value}")]);
    }
    must(command.arg(context))
}

/// Runs the image as it is configured, but for `options`.
fn run(name: &str, options: &[&str], arguments: &[&str]) -> Output {
    let mut command = podman(*STORAGE);
    command.args(["run", "--rm", "--network=none", "--read-only", "--cap-drop=all"]);
    command.args(["--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"]).args(options);
    command.arg(name).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn what_the_dev_flavor_compiles_runs_in_the_runtime_flavor() {
    let Some(mirror) = mirror().filter(|_| tools()) else { return };
    let (recipe, context) = (folder("recipe"), folder("context"));
    fs::write(recipe.join("cc.hb"), RECIPE).unwrap();
    must(&mut hbuild(&["lock", recipe.to_str().unwrap()]));
    let layouts = recipe.join("out");
    must(&mut hbuild(&["build", recipe.to_str().unwrap(), "-o", layouts.to_str().unwrap()]));
    let layout = |variant: &str| format!("oci:{}:{variant}-amd64", layouts.join("cc").display());
    let (runtime, dev) = (layout("1-debian12"), layout("1-debian12-dev"));

    fs::write(context.join("greet.c"), PROGRAM).unwrap();
    fs::write(context.join("Dockerfile"), DOCKERFILE).unwrap();
    let said = build(&context, "greet", &[("DEV", &dev), ("RUNTIME", &runtime), ("MIRROR", mirror)]);
    for line in ["Hello, world!\n", "Hello, builder! I am 0.\n"] {
        assert!(said.contains(line), "{said}");
    }

    // Entry point by `PATH`, command and user are those of the image and its base.
    assert_eq!(text(&run("greet", &[], &[])), "Hello, world! I am 65532.\n");
    assert_eq!(text(&run("greet", &["--user=1234"], &["you"])), "Hello, you! I am 1234.\n");
    let shell = run("greet", &["--entrypoint=/bin/sh"], &["-c", "true"]);
    assert_eq!(shell.status.code(), Some(127), "{}", String::from_utf8_lossy(&shell.stderr));

    takes_over("greet", &runtime);
}

/// Whether the built image has user, environment and working directory of its base.
fn takes_over(name: &str, base: &str) {
    let inspect = ["image", "inspect", "--format", "{{json .Config}}", name];
    let built: serde_json::Value = serde_json::from_str(&must(podman(*STORAGE).args(inspect))).unwrap();
    let base = &configuration(base)["config"];
    for key in ["User", "Env", "WorkingDir"] {
        assert_eq!(built[key], base[key], "{key}");
    }
}

#[test]
fn what_apk_installs_in_the_dev_flavor_runs_in_the_runtime_flavor() {
    let shared = Path::new("../shared/alpine");
    if !shared.exists() {
        return support::skip("no ../shared/alpine");
    }
    if !cfg!(target_arch = "x86_64") {
        return support::skip("the images are of x86_64");
    }
    if !tools() {
        return;
    }
    let shared = shared.canonicalize().unwrap();
    let (recipe, context, config) = (folder("alpine-recipe"), folder("alpine-context"), folder("config"));
    fs::write(recipe.join("scan.hb"), ALPINE_RECIPE).unwrap();
    let key = "test@hbuild-5f000000.rsa.pub";
    fs::copy(shared.join("keys").join(key), recipe.join(key)).unwrap();
    fs::create_dir_all(config.join("hbuild")).unwrap();
    let mirrors = format!("[mirrors]\nlocal = [\"file://{}\"]\n", shared.display());
    fs::write(config.join("hbuild/config.toml"), mirrors).unwrap();
    let place = recipe.to_str().unwrap();
    must(hbuild(&["lock", place]).env("XDG_CONFIG_HOME", &config));
    let layouts = recipe.join("out");
    let built = hbuild(&["build", place, "-o", layouts.to_str().unwrap()]);
    must({ built }.env("XDG_CONFIG_HOME", &config));
    let layout = |variant: &str| format!("oci:{}:{variant}-amd64", layouts.join("scan").display());
    let (runtime, dev) = (layout("1-alpine3.20"), layout("1-alpine3.20-dev"));

    let branch = context.join("mirror/v3.20/main");
    fs::create_dir_all(&branch).unwrap();
    must(Command::new("cp").arg("-r").arg(shared.join("v3.20/main/x86_64")).arg(&branch));
    fs::write(context.join("Dockerfile"), ALPINE_DOCKERFILE).unwrap();
    let said = build(&context, "scan", &[("DEV", &dev), ("RUNTIME", &runtime)]);
    assert!(
        said.contains("ET_DYN libc.musl-x86_64.so.1 /usr/bin/scanelf") && said.contains("\nscanelf"),
        "{said}"
    );

    assert_eq!(text(&run("scan", &[], &[])), "ET_DYN libc.musl-x86_64.so.1 /usr/local/bin/scanelf \n");
    let shell = run("scan", &["--entrypoint=/bin/sh"], &["-c", "true"]);
    assert_eq!(shell.status.code(), Some(127), "{}", String::from_utf8_lossy(&shell.stderr));
    takes_over("scan", &runtime);
}
