//! The archives that the tests make are ones that apt's tools accept.

mod support;

use std::process::Command;

use support::archive::{Archive, Package, Signer};

#[test]
fn dpkg_deb_and_gpgv_accept_what_the_tests_make() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = Archive::new(folder.path());
    archive.packages.push(Package::new("tiny", "1:2.0-1").file("usr/bin/tiny", "#!/bin/true\n"));
    archive.publish();
    let deb = folder.path().join(Archive::pool_path(&archive.packages[0]));
    match Command::new("dpkg-deb").arg("--contents").arg(&deb).output() {
        Ok(output) => {
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success() && text.contains("./usr/bin/tiny"), "{text}");
        }
        Err(_) => support::skip("no dpkg-deb"),
    }
    let keyring = |name: &str, signer: &Signer| {
        let (armoured, binary) = (folder.path().join(name), folder.path().join(format!("{name}.gpg")));
        std::fs::write(&armoured, signer.certificate()).unwrap();
        let gpg =
            Command::new("gpg").args(["--batch", "--dearmor", "-o"]).arg(&binary).arg(&armoured).status();
        gpg.is_ok_and(|status| status.success()).then_some(binary)
    };
    let stranger = Signer::new("Other <other@example.org>");
    let (Some(own), Some(other)) = (keyring("own", &archive.signer), keyring("other", &stranger)) else {
        support::skip("no gpg");
        return;
    };
    let verdict = |keyring: &std::path::Path| {
        let message = folder.path().join("dists/stable/InRelease");
        Command::new("gpgv").arg("--keyring").arg(keyring).arg(message).status().unwrap().success()
    };
    assert!(verdict(&own));
    assert!(!verdict(&other));
}
