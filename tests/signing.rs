//! Keys and signatures as a user makes them, with openssl and sigstore's own parser as oracles.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hbuild::digest::Sha256;
use hbuild::evidence::signing::{BUNDLE, Bundle, PublicKey, pae};
use serde_json::{Value, json};
use support::layouts::{Layout, Packed, Tar, digest};
use support::oracles::{has, run};
use support::workspace::files;

const PASSPHRASE: &str = "correct horse";

/// A folder with a pair of keys, `key.key` and `key.pub`, and the layout `image` of one image of two platforms.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.must(&["keygen", "-o", "key"]);
        let mut layout = Layout::new(&place.path("image"));
        let image = |arch: &str| {
            let layer = Tar::default().file("etc/motd", arch).bytes();
            layout.image(arch, &[(layer, Packed::Plain)])
        };
        let index = layout.index(&[image("amd64"), image("arm64")]);
        layout.name(&index, "1");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
        command.args(arguments).current_dir(&self.0).env_clear().stdin(Stdio::null());
        command
            .env("HBUILD_PASSPHRASE", PASSPHRASE)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    fn must(&self, arguments: &[&str]) -> String {
        succeed(self.command(arguments).output().unwrap())
    }

    /// hbuild, which must fail with this status and code, and change nothing.
    fn must_fail(&self, command: &mut Command, status: i32, code: &str) {
        let before = files(self.0.path());
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{command:?}\n{error}");
        assert!(error.contains(code) && error.contains("help:"), "no {code} in\n{error}");
        assert!(!error.contains(PASSPHRASE), "{error}");
        assert!(files(self.0.path()) == before, "{command:?} changed something");
    }

    fn key(&self) -> PublicKey {
        PublicKey::from_pem(&fs::read_to_string(self.path("key.pub")).unwrap()).unwrap()
    }

    fn blob(&self, digest: &str) -> Vec<u8> {
        fs::read(self.path("image/blobs/sha256").join(digest.strip_prefix("sha256:").unwrap())).unwrap()
    }

    fn document(&self, descriptor: &Value) -> Value {
        serde_json::from_slice(&self.blob(&digest(descriptor))).unwrap()
    }

    fn entries(&self) -> Vec<(String, Value)> {
        let index: Value = serde_json::from_slice(&fs::read(self.path("image/index.json")).unwrap()).unwrap();
        let name = |entry: &Value| {
            entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap().to_owned()
        };
        index["manifests"].as_array().unwrap().iter().map(|entry| (name(entry), entry.clone())).collect()
    }

    /// The bundles about a manifest, with their artifact manifests.
    fn bundles(&self, subject: &str) -> Vec<(Value, Bundle)> {
        let tag = subject.replace(':', "-");
        let entries = self.entries();
        let (_, entry) = entries.iter().find(|(name, _)| *name == tag).unwrap();
        let referrers = self.document(entry)["manifests"].as_array().unwrap().clone();
        let bundle = |referrer: &Value| {
            let manifest = self.document(referrer);
            let bundle = Bundle::parse(&self.blob(&digest(&manifest["layers"][0]))).unwrap();
            (manifest, bundle)
        };
        let signed = |referrer: &&Value| referrer["artifactType"] == BUNDLE;
        referrers.iter().filter(signed).map(bundle).collect()
    }

    /// Digests of the index and its manifests.
    fn subjects(&self) -> Vec<String> {
        let (_, index) = self.entries().remove(0);
        let inner = self.document(&index)["manifests"].as_array().unwrap().iter().map(digest).collect();
        [vec![digest(&index)], inner].concat()
    }
}

fn succeed(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn openssl_reads_the_keys_and_verifies_what_they_sign() {
    let place = Place::new();
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("key.key"), 0o600);
    place.must_fail(&mut place.command(&["keygen", "-o", "key"]), 2, "hbuild::host::in_the_way");
    fs::remove_file(place.path("key.key")).unwrap();
    place.must_fail(&mut place.command(&["keygen", "-o", "key"]), 2, "hbuild::host::in_the_way");
    fs::remove_file(place.path("key.pub")).unwrap();
    place.must(&["keygen", "-o", "key"]);
    if !has("openssl") {
        return;
    }
    let openssl = || {
        let mut command = Command::new("openssl");
        command.current_dir(&place.0);
        command
    };
    let pass = format!("pass:{PASSPHRASE}");
    let public = run(openssl().args(["pkey", "-in", "key.key", "-passin", &pass, "-pubout"]));
    assert_eq!(public, fs::read_to_string(place.path("key.pub")).unwrap());
    let der =
        openssl().args(["pkey", "-pubin", "-in", "key.pub", "-outform", "DER"]).output().unwrap().stdout;
    assert_eq!(place.key().hint(), STANDARD.encode(Sha256::of(&der).0));
    assert_eq!(place.key().fingerprint(), Sha256::of(&der).to_string());

    place.must(&["sign", "image", "--key", "key.key"]);
    for subject in place.subjects() {
        let [(manifest, bundle)] = &place.bundles(&subject)[..] else { panic!("one signature of {subject}") };
        fs::write(place.path("message"), pae(bundle.payload_type(), bundle.payload())).unwrap();
        let document: Value = serde_json::from_slice(&bundle.to_json()).unwrap();
        let signature = document["dsseEnvelope"]["signatures"][0]["sig"].as_str().unwrap();
        fs::write(place.path("signature"), STANDARD.decode(signature).unwrap()).unwrap();
        let verify = ["dgst", "-sha256", "-verify", "key.pub", "-signature", "signature", "message"];
        assert_eq!(run(openssl().args(verify)), "Verified OK\n");
        let statement: Value = serde_json::from_slice(bundle.payload()).unwrap();
        let sha256 = subject.strip_prefix("sha256:").unwrap();
        assert_eq!(statement["subject"], json!([{ "digest": { "sha256": sha256 } }]));
        assert_eq!(manifest["subject"]["digest"], subject);
        assert_eq!(manifest["annotations"]["dev.sigstore.bundle.predicateType"], statement["predicateType"]);
        if has("sigstore-bundle") {
            fs::write(place.path("bundle"), bundle.to_json()).unwrap();
            let parsed = run(Command::new("sigstore-bundle").arg(place.path("bundle")));
            let expected = format!("{}\n{}", place.key().hint(), String::from_utf8_lossy(bundle.payload()));
            assert_eq!(parsed, expected);
        }
    }
}

#[test]
fn signing_again_changes_nothing_and_every_way_to_give_a_key_is_the_same() {
    let place = Place::new();
    let unsigned = files(&place.path("image"));
    place.must(&["sign", "image", "--key", "key.key"]);
    let signed = files(&place.path("image"));
    for (name, bytes) in &unsigned {
        assert!(name == "index.json" || signed.contains(&(name.clone(), bytes.clone())), "{name} is gone");
    }
    let key = fs::read(place.path("key.key")).unwrap();
    place.must(&["sign", "image", "--key", "key.key"]);
    assert!(files(&place.path("image")) == signed);
    succeed(
        place
            .command(&["sign", "image:1", "--key", "env:KEY"])
            .env("KEY", String::from_utf8_lossy(&key).as_ref())
            .output()
            .unwrap(),
    );
    assert!(files(&place.path("image")) == signed);
    let input = fs::File::open(place.path("key.key")).unwrap();
    let said =
        succeed(place.command(&["sign", "image", "--json", "--key", "-"]).stdin(input).output().unwrap());
    assert!(files(&place.path("image")) == signed);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["key"], place.key().fingerprint());
    assert_eq!(said["images"].as_array().unwrap().len(), 3);

    // Another key's signatures stand beside these, and signing again with the first leaves them alone.
    place.must(&["keygen", "-o", "other"]);
    place.must(&["sign", "image", "--key", "other.key"]);
    let both = files(&place.path("image"));
    assert_eq!(place.bundles(&place.subjects()[0]).len(), 2);
    place.must(&["sign", "image", "--key", "key.key"]);
    assert!(files(&place.path("image")) == both);

    // Signatures of cosign before version 3 are deterministic, too, and each key keeps its own.
    place.must(&["sign", "image", "--key", "key.key", "--legacy-cosign"]);
    let legacy = files(&place.path("image"));
    place.must(&["sign", "image", "--key", "key.key", "--legacy-cosign"]);
    assert!(files(&place.path("image")) == legacy);
    place.must(&["sign", "image", "--key", "other.key", "--legacy-cosign"]);
    place.must(&["sign", "image", "--key", "key.key", "--legacy-cosign", "--identity", "example.org/image"]);
    let tag = format!("{}.sig", place.subjects()[1].replace(':', "-"));
    let (_, entry) = place.entries().into_iter().find(|(name, _)| *name == tag).unwrap();
    let layers = place.document(&entry)["layers"].as_array().unwrap().clone();
    let identity = |layer: &Value| {
        place.document(layer)["critical"]["identity"]["docker-reference"].as_str().unwrap().to_owned()
    };
    assert_eq!(layers.iter().map(identity).collect::<Vec<_>>(), ["image", "example.org/image"]);
}

#[test]
fn a_command_signs_with_a_key_that_hbuild_never_sees() {
    let place = Place::new();
    if !has("openssl") {
        return;
    }
    let by =
        |command: &str| place.command(&["sign", "image", "--signer", command, "--public-key", "key.pub"]);
    let good = format!("openssl dgst -sha256 -sign key.key -passin 'pass:{PASSPHRASE}'");
    place.must(&["keygen", "-o", "other"]);
    let other = good.replace("key.key", "other.key");
    for command in [&other, "cat", "true", "head -c 10 /dev/urandom"] {
        place.must_fail(&mut by(command), 3, "hbuild::signing::not_a_signature");
    }
    for command in ["false", "exit 7", "kill $$", "no-such-command-anywhere", "yes"] {
        place.must_fail(&mut by(command), 3, "hbuild::signing::command_failed");
    }
    place.must_fail(
        &mut place.command(&["sign", "image", "--signer", &good, "--public-key", "key.key"]),
        3,
        "hbuild::signing::bad_public_key",
    );
    succeed(by(&good).output().unwrap());
    for subject in place.subjects() {
        place.bundles(&subject)[0].1.verify(&place.key()).unwrap();
    }
    // openssl's signatures are random; those that are there are used again.
    let signed = files(&place.path("image"));
    succeed(by(&good).output().unwrap());
    assert!(files(&place.path("image")) == signed);
}

#[test]
fn keys_that_cannot_be_used_are_refused_by_name() {
    let place = Place::new();
    let sign = |key: &str| place.command(&["sign", "image", "--key", key]);
    place.must_fail(&mut place.command(&["sign", "image"]), 2, "hbuild::usage::no_key");
    place.must_fail(&mut sign("none.key"), 3, "hbuild::signing::key_unreadable");
    place.must_fail(&mut sign("env:NONE"), 2, "hbuild::signing::no_variable");
    place.must_fail(&mut sign("-"), 3, "hbuild::signing::not_a_key");
    place.must_fail(&mut sign("key.pub"), 3, "hbuild::signing::not_a_key");
    place.must_fail(&mut sign("/dev/zero"), 3, "hbuild::signing::not_a_key");
    place.must_fail(
        sign("key.key").env("HBUILD_PASSPHRASE", "wrong"),
        3,
        "hbuild::signing::wrong_passphrase",
    );
    let mut alone = Command::new("setsid");
    alone
        .args([env!("CARGO_BIN_EXE_hbuild"), "sign", "image", "--key", "key.key"])
        .current_dir(&place.0)
        .env_remove("HBUILD_PASSPHRASE");
    place.must_fail(&mut alone, 3, "hbuild::signing::no_passphrase");
    let cosign = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\neyJ9\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n";
    fs::write(place.path("cosign.key"), cosign).unwrap();
    place.must_fail(&mut sign("cosign.key"), 3, "hbuild::signing::cosign_key");
    if !has("openssl") {
        return;
    }
    let make =
        |arguments: &str| run(Command::new("openssl").args(arguments.split(' ')).current_dir(&place.0));
    make("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.key");
    make("genpkey -algorithm ED25519 -out ed.key");
    place.must_fail(&mut sign("p384.key"), 3, "hbuild::signing::other_algorithm");
    place.must_fail(&mut sign("ed.key"), 3, "hbuild::signing::other_algorithm");
    make("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out plain.key");
    make(
        "pkcs8 -topk8 -in plain.key -passout pass:x -v1 PBE-MD5-DES -provider legacy -provider default -out old.key",
    );
    place.must_fail(&mut sign("old.key"), 3, "hbuild::signing::other_encryption");
    make(&format!(
        "pkcs8 -topk8 -in plain.key -passout pass:{} -out pbkdf2.key",
        PASSPHRASE.replace(' ', "+")
    ));
    succeed(sign("pbkdf2.key").env("HBUILD_PASSPHRASE", PASSPHRASE.replace(' ', "+")).output().unwrap());
    let output = sign("plain.key").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("hbuild::signing::plain_key"));
    succeed(output);
}

#[test]
fn evidence_that_is_not_about_the_image_is_not_signed() {
    let place = Place::new();
    let (_, index) = place.entries().remove(0);
    let subject = place.document(&index)["manifests"][0].clone();
    let layout = Layout::new(&place.path("image"));
    let attach = |document: &[u8], kind: &str| {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": kind,
            "config": layout.blob(b"{}", "application/vnd.oci.empty.v1+json"),
            "layers": [layout.blob(document, kind)],
            "subject": subject,
        });
        let mut referrer =
            layout.blob(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
        referrer["artifactType"] = kind.into();
        let referrers = layout.index(&[referrer]);
        let mut whole = Layout::new(&place.path("image"));
        whole.name(&index, "1");
        whole.name(&referrers, &digest(&subject).replace(':', "-"));
    };
    let statement = |sha256: &str| {
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": "image:1-amd64", "digest": { "sha256": sha256 } }],
            "predicateType": "https://example.org/x", "predicate": {},
        })
        .to_string()
    };
    let own = digest(&subject)[7..].to_owned();
    let sign = || place.command(&["sign", "image", "--key", "key.key"]);
    attach(statement(&"0".repeat(64)).as_bytes(), "application/vnd.in-toto+json");
    place.must_fail(&mut sign(), 1, "hbuild::signing::other_subject");
    attach(
        statement(&own).replace("Statement/v1", "Statement/v9").as_bytes(),
        "application/vnd.in-toto+json",
    );
    place.must_fail(&mut sign(), 1, "hbuild::signing::other_subject");
    attach(statement(&own).replace("{}", r#"{"a":1,"a":2}"#).as_bytes(), "application/vnd.in-toto+json");
    place.must_fail(&mut sign(), 3, "hbuild::evidence::duplicate_member");
    attach(br#"{"spdxVersion":"SPDX-2.3"},"x":{}"#, "application/spdx+json");
    place.must_fail(&mut sign(), 3, "hbuild::evidence::bad_json");
    attach(statement(&own).as_bytes(), "application/vnd.in-toto+json");
    place.must(&["sign", "image", "--key", "key.key"]);
    let payloads: Vec<_> = place
        .bundles(&digest(&subject))
        .into_iter()
        .filter_map(|(manifest, bundle)| {
            (manifest["annotations"]["in-toto.io/predicate-type"] == "https://example.org/x")
                .then(|| bundle.payload().to_vec())
        })
        .collect();
    assert_eq!(payloads, [statement(&own).into_bytes()]);
}

/// hbuild on a terminal of its own, `None` where there is no `setsid` for it; what it shows can be read, what is typed
/// written.
fn on_terminal(place: &Place, arguments: &[&str]) -> Option<(std::process::Child, fs::File)> {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    if !has("setsid") {
        return None;
    }
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let end = || fs::File::options().read(true).write(true).open(&name).unwrap();
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", env!("CARGO_BIN_EXE_hbuild")]).args(arguments).current_dir(&place.0);
    command.env_remove("HBUILD_PASSPHRASE").stdin(end()).stdout(end()).stderr(end());
    Some((command.spawn().unwrap(), terminal.into()))
}

/// What the terminal shows up to `end`.
fn shown(terminal: &mut fs::File, end: &str) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&text).contains(end) {
        // The end of a terminal whose last process is gone is an error.
        match terminal.read(&mut buffer) {
            Ok(count) if count > 0 => text.extend_from_slice(&buffer[..count]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_terminal_is_asked_and_shows_nothing() {
    let place = Place::new();
    let keygen = |answers: &[&str]| {
        let (mut child, mut terminal) = on_terminal(&place, &["keygen", "-o", "new"])?;
        let mut text = String::new();
        for answer in answers {
            text += &shown(&mut terminal, ": ");
            terminal.write_all(answer.as_bytes()).unwrap();
        }
        text += &shown(&mut terminal, "\0");
        Some((child.wait().unwrap().code(), text))
    };
    let Some((status, text)) = keygen(&["\n"]) else { return };
    assert!(status == Some(2) && text.contains("hbuild::signing::empty_passphrase"), "{text}");
    let (status, text) = keygen(&["pass one\n", "pass two\n"]).unwrap();
    assert!(status == Some(2) && text.contains("hbuild::signing::passphrases_differ"), "{text}");
    let (status, text) = keygen(&["pass\u{3}"]).unwrap();
    assert!(status == Some(2) && text.contains("hbuild::signing::stopped"), "{text}");
    assert!(!place.path("new.key").exists() && !place.path("new.pub").exists());
    let (status, text) = keygen(&["pass wort\u{7f}d\u{15}pass wordé\u{7f}\n", "pass word\n"]).unwrap();
    assert_eq!(status, Some(0), "{text}");
    assert!(!text.contains("pass w"), "{text}");

    let (mut child, mut terminal) = on_terminal(&place, &["sign", "image", "--key", "new.key"]).unwrap();
    let mut text = shown(&mut terminal, ": ");
    terminal.write_all(b"pass word\n").unwrap();
    text += &shown(&mut terminal, "\0");
    assert!(child.wait().unwrap().success() && !text.contains("pass w"), "{text}");
    assert_eq!(place.bundles(&place.subjects()[0]).len(), 1);
}

/// The environment of a process as the kernel keeps it, and its command line.
fn visible(id: u32) -> String {
    let part = |name: &str| fs::read(format!("/proc/{id}/{name}")).unwrap_or_default();
    String::from_utf8_lossy(&[part("environ"), part("cmdline")].concat()).into_owned()
}

#[test]
fn no_process_shows_the_passphrase_or_the_key() {
    let place = Place::new();
    let fifo = place.path("fifo");
    run(Command::new("mkfifo").arg(&fifo));
    // The process with the key waits for the other end of the pipe.
    let mut child = place
        .command(&["sign", "image", "--key", "fifo"])
        .env("OTHER", "stays")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let holder = (0..1000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(10));
        support::processes::children(child.id()).into_iter().find(|id| visible(*id).contains("__key"))
    });
    let (holder, own) = (holder.expect("a process with the key"), visible(child.id()));
    assert!(own.contains("OTHER=stays") && !own.contains(PASSPHRASE), "{own}");
    assert!(!visible(holder).contains(PASSPHRASE) && !visible(holder).contains("OTHER"));
    fs::write(&fifo, fs::read(place.path("key.key")).unwrap()).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!Path::new(&format!("/proc/{holder}")).exists());

    // It ends with hbuild, however that ends.
    let mut child = place.command(&["sign", "image", "--key", "fifo"]).spawn().unwrap();
    let holder = (0..1000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(10));
        support::processes::children(child.id()).into_iter().find(|id| visible(*id).contains("__key"))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    fs::write(&fifo, fs::read(place.path("key.key")).unwrap()).unwrap();
    let (holder, begun) = (holder.expect("a process with the key"), Instant::now());
    while Path::new(&format!("/proc/{holder}/exe")).exists() && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!visible(holder).contains("__key"));
}
