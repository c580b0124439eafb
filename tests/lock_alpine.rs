//! `hbuild lock` on Alpine: over the genuine indexes of 3.19, and over a small mirror of 3.20 signed by another key.

mod support;

use std::fs;

use support::alpine::{Setting, TEST_KEY, genuine, signed_by_test_key};

fn strings(value: &toml::Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
}

#[test]
fn genuine_indexes_are_verified_and_packages_pinned() {
    let Some(setting) = Setting::new() else { return };
    setting.workspace.write_recipe(&genuine("\"nginx\", \"ca-certificates-bundle\""));
    let changes = setting.workspace.must(&["lock", "."]);
    assert!(changes.contains("new: app (amd64, alpine3.19)"), "{changes}");
    assert!(changes.contains("+ nginx"), "{changes}");
    let lock = setting.lock();
    let snapshots = lock["snapshot"].as_array().unwrap();
    let ids: Vec<&str> = snapshots.iter().map(|snapshot| snapshot["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        [
            "alpine/v3.19/community/x86_64@2024-06-18T15:25:09Z",
            "alpine/v3.19/main/x86_64@2024-06-18T15:36:36Z"
        ]
    );
    for snapshot in snapshots {
        assert_eq!(
            strings(&snapshot["signed-by"]),
            ["alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub"],
            "{snapshot}"
        );
        assert!(snapshot.get("in-release").is_none() && snapshot.get("codename").is_none(), "{snapshot}");
        assert_eq!(snapshot["indexes"].as_array().unwrap().len(), 1);
    }
    let packages = lock["package"].as_array().unwrap();
    let musl = packages.iter().find(|package| package["name"].as_str() == Some("musl")).unwrap();
    assert_eq!(musl["arch"].as_str(), Some("x86_64"));
    assert!(musl["checksum"].as_str().unwrap().starts_with("Q1") && musl.get("sha256").is_none(), "{musl}");
    let (name, version) = (musl["name"].as_str().unwrap(), musl["version"].as_str().unwrap());
    assert_eq!(musl["file"].as_str(), Some(format!("v3.19/main/x86_64/{name}-{version}.apk").as_str()));
    assert_eq!(musl["source"].as_str(), Some("musl"));
    let bundle = packages.iter().find(|package| package["name"].as_str() == Some("ca-certificates-bundle"));
    assert_eq!(bundle.unwrap()["source"].as_str(), Some("ca-certificates"));
    let names: Vec<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"pcre"), "what provides `so:libpcre.so.1` is there: {names:?}");
    let request = &lock["variant"][0]["request"];
    assert_eq!(strings(&request["repositories"]), ["alpine v3.19 main", "alpine v3.19 community"]);
    assert_eq!(request["arch"].as_str(), Some("x86_64"));

    // The lock knows no host, and the second time nothing changes, without any mirror.
    let text = fs::read_to_string(setting.workspace.path("project/hbuild.lock")).unwrap();
    let mirror = setting.mirror.display().to_string();
    assert!(!text.contains("file:") && !text.contains("://") && !text.contains(&mirror), "{text}");
    setting.write_mirror(&setting.workspace.path("nothing"));
    let again = setting.workspace.must(&["lock", "."]);
    assert!(again.contains("nothing changed"), "{again}");
    setting.workspace.must(&["lock", "--check", "."]);
}

#[test]
fn the_lock_does_not_depend_on_order_or_threads() {
    let Some(setting) = Setting::new() else { return };
    let mut locks = Vec::new();
    for (packages, threads) in [
        (r#""nginx", "git", "python3""#, "1"),
        (r#""python3", "nginx", "git""#, "4"),
        (r#""git", "python3", "git", "nginx""#, "2"),
    ] {
        setting.workspace.write_recipe(&genuine(packages));
        let _ = fs::remove_file(setting.workspace.path("project/hbuild.lock"));
        let _ = fs::remove_dir_all(setting.workspace.path("store"));
        let status = setting
            .workspace
            .command(&["lock", "."])
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap()
            .status;
        assert!(status.success());
        locks.push(fs::read(setting.workspace.path("project/hbuild.lock")).unwrap());
    }
    assert!(locks.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn another_key_is_refused_unless_the_recipe_names_it() {
    let Some(setting) = Setting::new() else { return };
    let workspace = &setting.workspace;
    // The distribution's own repositories are signed by Alpine's keys alone.
    workspace.write_recipe(
        &genuine("\"musl\"")
            .replace("3.19", "3.20")
            .replace("  version = ", "  repositories = alpine.main(distro)\n  version = ")
            .replace("hbuild 1\n", "hbuild 1\nimport std/alpine\n"),
    );
    let error = workspace.must_fail(&["lock", "."], 3, "hbuild::alpine::");
    assert!(error.contains(TEST_KEY), "{error}");

    workspace.write_recipe(&signed_by_test_key("\"alpine-baselayout\", \"apk-tools\""));
    workspace.must(&["lock", "."]);
    let lock = setting.lock();
    let variants = lock["variant"].as_array().unwrap();
    let arch = |variant: &toml::Value| variant["request"]["arch"].as_str().unwrap().to_owned();
    assert_eq!(variants.iter().map(arch).collect::<Vec<_>>(), ["x86_64", "aarch64"]);
    for snapshot in lock["snapshot"].as_array().unwrap() {
        assert_eq!(snapshot["url"].as_str(), Some("https://alpine.invalid/alpine"));
        assert_eq!(strings(&snapshot["signed-by"]), [TEST_KEY]);
    }
    // With another key under the same name it is refused.
    let other = "alpine-devel@lists.alpinelinux.org-4a6a0840.rsa.pub";
    fs::copy(setting.mirror.join("keys").join(other), workspace.path("project").join(TEST_KEY)).unwrap();
    workspace.must_fail(&["lock", "--update", "--", "."], 3, "hbuild::alpine::");
}

#[test]
fn requests_that_change_move_what_they_must() {
    let Some(setting) = Setting::new() else { return };
    let workspace = &setting.workspace;
    workspace.write_recipe(&signed_by_test_key("\"busybox\""));
    workspace.must(&["lock", "."]);
    assert_eq!(setting.packages(), ["busybox=1.36.1-r29", "musl=1.2.5-r0"]);
    workspace.write_recipe(&signed_by_test_key("\"busybox\", \"zlib\", \"musl~1.2\", \"musl\""));
    let error = workspace.must_fail(&["build", "app.hb", "--arch", "all"], 1, "hbuild::lock::outgrown");
    assert!(error.contains("+zlib"), "{error}");
    let changes = workspace.must(&["lock", "."]);
    assert!(changes.contains("+ zlib  1.3.1-r1"), "{changes}");
    assert_eq!(setting.packages(), ["busybox=1.36.1-r29", "musl=1.2.5-r0", "zlib=1.3.1-r1"]);
    let request = &setting.lock()["variant"][0]["request"];
    assert_eq!(strings(&request["packages"]), ["busybox", "musl~1.2", "zlib"], "a pin counts once");
    let changes = workspace.must(&["lock", "--update", "musl", "--", "."]);
    assert!(changes.contains("nothing changed"), "{changes}");
    workspace.must(&["lock", "--update", "--", "."]);
    workspace.must_fail(&["lock", "--update", "glibc", "--", "."], 2, "hbuild::lock::unknown_update");
}

#[test]
fn what_cannot_be_resolved_names_the_line() {
    let Some(setting) = Setting::new() else { return };
    let workspace = &setting.workspace;
    workspace.write_recipe(&genuine("\"nginx-mod\", \"ngnix\""));
    let error = workspace.must_fail(&["lock", "."], 1, "hbuild::alpine::unknown_package");
    assert!(error.contains("app.hb:9:"), "{error}");
    workspace.write_recipe(&genuine("\"ngnix\""));
    let error = workspace.must_fail(&["lock", "."], 1, "hbuild::alpine::unknown_package");
    assert!(error.contains("did you mean `nginx`"), "{error}");
    workspace.write_recipe(&genuine("\"nginx=9.9-r9\""));
    let error = workspace.must_fail(&["lock", "."], 1, "hbuild::alpine::version_not_available");
    assert!(error.contains("1.24.0"), "{error}");
}

#[test]
fn an_image_that_extends_another_has_its_packages() {
    let Some(setting) = Setting::new() else { return };
    let recipe = signed_by_test_key("\"busybox\"")
        + "\nimage more {\n  for distro, arch\n  extends = app\n  repositories = [local]\n  packages = [\"zlib\"]\n}\n";
    setting.workspace.write_recipe(&recipe);
    setting.workspace.must(&["lock", "."]);
    let lock = setting.lock();
    for variant in lock["variant"].as_array().unwrap() {
        let packages = strings(&variant["packages"]);
        assert!(packages.iter().any(|package| package.starts_with("busybox=")), "{variant}");
        let has = packages.iter().any(|package| package.starts_with("zlib="));
        assert_eq!(has, variant["image"].as_str() == Some("more"), "{variant}");
    }
}

#[test]
fn tagged_repositories_give_what_is_asked_of_them() {
    let Some(setting) = Setting::new() else { return };
    let recipe = genuine("\"musl\", \"zlib@local\"")
        .replace("## An image", &(local_repository() + "\n## An image"))
        .replace("  version = ", "  repositories += [local]\n  version = ");
    setting.workspace.write_recipe(&recipe);
    setting.workspace.must(&["lock", "."]);
    let packages = setting.packages();
    assert!(packages.contains(&"zlib=1.3.1-r1".to_owned()), "of 3.20: {packages:?}");
    assert!(packages.iter().any(|package| package.starts_with("musl=1.2.4")), "of 3.19: {packages:?}");
    let request = &setting.lock()["variant"][0]["request"];
    assert!(strings(&request["repositories"])[2].starts_with("local v3.20 main @local https://"));
    setting.workspace.write_recipe(&recipe.replace("zlib@local", "zlib@edge"));
    setting.workspace.must_fail(&["lock", "."], 1, "hbuild::alpine::unknown_tag");
}

/// The repository of [`signed_by_test_key`] with a tag.
fn local_repository() -> String {
    let recipe = signed_by_test_key("");
    let (start, end) = (recipe.find("repository").unwrap(), recipe.find("## An image").unwrap());
    recipe[start..end].replace("  suite", "  tag = \"local\"\n  suite")
}

#[test]
fn an_older_index_is_refused() {
    let Some(setting) = Setting::new() else { return };
    setting.workspace.write_recipe(&genuine("\"musl\""));
    setting.workspace.must(&["lock", "."]);
    let path = setting.workspace.path("project/hbuild.lock");
    let newer = fs::read_to_string(&path).unwrap().replace("2024-06-18T15:36:36Z", "2024-07-01T00:00:00Z");
    fs::write(&path, newer).unwrap();
    let error = setting.workspace.must_fail(&["lock", "--update", "--", "."], 3, "hbuild::alpine::older");
    assert!(error.contains("2024-06-18T15:36:36Z"), "{error}");
}

#[test]
fn what_no_mirror_gives_is_left_out_and_named() {
    let Some(setting) = Setting::new() else { return };
    // 3.19 has no index for arm64 there.
    let recipe = genuine("\"musl\"").replace("arch in [amd64]", "arch in [amd64, arm64]");
    setting.workspace.write_recipe(&recipe);
    let output = setting.workspace.run(&["lock", "."]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains("image `app` (arm64, alpine3.19)"), "{errors}");
    assert_eq!(setting.lock()["variant"].as_array().unwrap().len(), 1);
    let before = fs::read(setting.workspace.path("project/hbuild.lock")).unwrap();

    // With one repository of the branch out of reach what stood stays.
    let copy = setting.copy_indexes("v3.19");
    fs::remove_dir_all(copy.join("v3.19/community")).unwrap();
    setting.write_mirror(&copy);
    let output = setting.workspace.run(&["lock", "--update", "--", "."]);
    assert_eq!(output.status.code(), Some(3));
    assert!(fs::read(setting.workspace.path("project/hbuild.lock")).unwrap() == before, "the lock changed");
}

#[test]
fn debian_and_alpine_stand_in_one_lock() {
    let Some(setting) = Setting::new() else { return };
    let recipe = support::workspace::RECIPE
        .replace("[debian(\"12\")]", "[debian(\"12\"), alpine(\"3.19\")]")
        .replace("  repositories = [test]\n", "  when distro is debian { repositories = [test] }\n")
        .replace(
            "packages     = [\"app\"]",
            "packages = match distro { debian => [\"app\"], alpine => [\"musl\"] }",
        );
    setting.workspace.write_recipe(&recipe);
    setting.workspace.must(&["lock", "."]);
    let whole = fs::read(setting.workspace.path("project/hbuild.lock")).unwrap();
    let lock = setting.lock();
    let packages = lock["package"].as_array().unwrap();
    assert!(packages.iter().any(|package| package.get("sha256").is_some()), "{lock}");
    assert!(packages.iter().any(|package| package.get("checksum").is_some()), "{lock}");

    // One distribution's mirror out of reach leaves the other's variants.
    fs::remove_file(setting.workspace.path("project/hbuild.lock")).unwrap();
    setting.write_mirror(&setting.workspace.path("nothing"));
    let output = setting.workspace.run(&["lock", "."]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains("image `app` (amd64, alpine3.19)"), "{errors}");
    assert_eq!(setting.lock()["variant"].as_array().unwrap().len(), 1);
    setting.write_mirror(&setting.mirror);
    setting.workspace.must(&["lock", "."]);
    assert!(fs::read(setting.workspace.path("project/hbuild.lock")).unwrap() == whole);
}
