//! From a recipe to a root file system on Alpine: both flavors and both architectures of one recipe, and apk at work in
//! the dev flavor.

mod alpine_support;
mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use alpine_support::oracle;
use support::alpine::{Setting, signed_by_test_key};

const MIRROR: &str = "/mirror/v3.20/main";

/// A recipe whose flavors differ as those of `std` do.
fn recipe() -> String {
    let packages = "match flavor {\n    runtime => [\"alpine-release\", \"libssl3\", \"zlib\"]\n    \
                    dev => [\"alpine-baselayout\", \"alpine-release\", \"apk-tools\", \"busybox-binsh\", \"zlib\"]\n  }";
    let recipe = signed_by_test_key("PACKAGES").replace("[PACKAGES]", packages);
    recipe
        .replace("arch in [amd64, arm64]", "flavor in [runtime, dev], arch in [amd64, arm64]")
        .replace("for distro, arch\n", "for distro, flavor, arch\n")
}

#[test]
fn one_recipe_gives_both_flavors_and_apk_works_in_dev() {
    let Some(setting) = Setting::new() else { return };
    let workspace = &setting.workspace;
    workspace.write_recipe(&recipe());
    workspace.must(&["lock", "."]);
    let table = workspace.must(&["build", ".", "-o", "out", "--arch", "all", "--format", "dir"]);
    for variant in ["1.0-alpine3.20-dev  amd64", "1.0-alpine3.20-dev  arm64", "1.0-alpine3.20      arm64"] {
        assert!(table.contains(variant), "{variant} in\n{table}");
    }
    let root = |name: &str| workspace.path(&format!("project/out/app-1.0-alpine3.20{name}.rootfs"));
    let (runtime, dev) = (root("-amd64"), root("-dev-amd64"));
    let installed = fs::read_to_string(runtime.join("lib/apk/db/installed")).unwrap();
    assert!(installed.contains("P:alpine-keys\n") && !installed.contains("R:alpine-devel@lists"));
    for absent in ["etc/apk/keys", "usr/share/apk", "bin", "lib/apk/db/scripts.tar"] {
        assert!(!runtime.join(absent).exists(), "{absent}");
    }
    let arm = fs::read_to_string(root("-arm64").join("lib/apk/db/installed")).unwrap();
    assert!(arm.contains("A:aarch64\n") && root("-arm64").join("lib/ld-musl-aarch64.so.1").exists());
    assert_eq!(fs::read_to_string(dev.join("etc/apk/world")).unwrap().lines().count(), 5);
    let repositories = fs::read_to_string(dev.join("etc/apk/repositories")).unwrap();
    assert_eq!(repositories, "https://alpine.invalid/alpine/v3.20/main\n");

    if let Err(reason) = oracle::apk() {
        return support::skip(&reason);
    }
    fs::create_dir(dev.join("mirror")).unwrap();
    let copied =
        Command::new("cp").arg("-r").arg(setting.mirror.join("v3.20")).arg(dev.join("mirror")).status();
    assert!(copied.unwrap().success());
    // As a mirror of the repository would be used: the key is the one that the recipe names.
    let inside = |arguments: &[&str]| apk(&dev, arguments);
    assert_eq!(inside(&["audit", "--system"]), "");
    let added = inside(&["-X", MIRROR, "--repositories-file", "/none", "--no-cache", "add", "musl-utils"]);
    assert!(added.ends_with(" in 15 packages\n"), "{added}");
    assert_eq!(inside(&["info", "--installed", "musl-utils"]), "musl-utils\n");
    assert_eq!(inside(&["audit", "--system"]), "");
}

fn apk(root: &Path, arguments: &[&str]) -> String {
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let mut command = Command::new("chroot");
    oracle::run(command.arg(root).arg("/sbin/apk").args(arguments).env("PATH", path)).unwrap()
}
