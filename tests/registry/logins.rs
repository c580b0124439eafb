//! The logins of docker and podman.

use std::fs;
use std::process::Command;

use crate::place::Place;
use crate::server::{Registry, Twist, answer};
use crate::support;

/// `user:hunter2` in Base64.
const BASIC: &str = "dXNlcjpodW50ZXIy";

/// A registry that lets in who says `user:hunter2`.
fn closed(place: &Place) -> Registry {
    let registry = Registry::start(|request| {
        if request.header("authorization") == Some(&format!("Basic {BASIC}")) {
            return Twist::Plain;
        }
        Twist::Answer(answer(401).with("WWW-Authenticate", "Basic realm=\"x\""))
    });
    registry.fill(&place.path("app"));
    registry
}

#[test]
fn a_login_is_found_where_it_is_kept() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    let registry = closed(&place);
    let reference = format!("{}:1-debian12", registry.name());
    let error = place.must_fail(&["pull", &reference, "-o", "out"], 3, "hbuild::host::registry_token");
    assert!(error.contains("docker login"), "{error}");
    let auths = |auth: &str| format!(r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#, registry.authority());
    for (variable, path) in [
        ("DOCKER_CONFIG", "docker/config.json"),
        ("XDG_RUNTIME_DIR", "run/containers/auth.json"),
        ("HOME", "home/.docker/config.json"),
        ("REGISTRY_AUTH_FILE", "auth.json"),
    ] {
        let file = place.path(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, auths(BASIC)).unwrap();
        let value = if path.contains('/') { place.path(path.split('/').next().unwrap()) } else { file };
        let mut command = place.command(&["pull", &reference, "-o", "out"]);
        let output = command.env(variable, value).env("HBUILD_LOG", "trace").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{variable}: {said}");
        assert!(!said.contains("hunter2") && !said.contains(BASIC), "{said}");
    }
    // The wrong password: asked once more, then refused, and never shown.
    fs::create_dir_all(place.path(".docker")).unwrap();
    fs::write(place.path(".docker/config.json"), auths("dXNlcjp3cm9uZw==")).unwrap();
    let error = place.must_fail(&["pull", &reference, "-o", "out"], 3, "hbuild::remote::denied");
    assert!(!error.contains("wrong") && !error.contains("dXNl"), "{error}");
}

#[test]
fn a_helper_is_asked() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    let registry = closed(&place);
    let helper = place.path("docker-credential-test");
    let script = format!(
        "#!/bin/sh\nread server\n[ \"$1\" = get ] && [ \"$server\" = '{}' ] || {{ echo 'credentials not found in native keychain'; exit 1; }}\n\
         echo '{{\"ServerURL\":\"x\",\"Username\":\"user\",\"Secret\":\"hunter2\"}}'\n",
        registry.authority()
    );
    // Written by a process of its own: a file that this one has open for writing cannot be executed by another.
    let write = "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let mut shell = Command::new("sh");
    assert!(shell.args(["-c", write, "sh", &script]).arg(&helper).status().unwrap().success());
    fs::create_dir_all(place.path(".docker")).unwrap();
    for config in [
        format!(r#"{{"credHelpers":{{"{}":"test"}}}}"#, registry.authority()),
        r#"{"credsStore":"test"}"#.to_owned(),
    ] {
        fs::write(place.path(".docker/config.json"), config).unwrap();
        let reference = format!("{}:1-debian12", registry.name());
        let path = format!("{}:/usr/bin:/bin", place.path("").display());
        let mut command = place.command(&["pull", &reference, "-o", "out"]);
        let output = command.env("PATH", &path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Without the program there is an error that names it.
        let error = place.must_fail(&["pull", &reference, "-o", "out"], 3, "hbuild::host::credential_helper");
        assert!(error.contains("docker-credential-test"), "{error}");
    }
}
