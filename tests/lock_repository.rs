//! What a lock refuses of a repository, each with its own code.

mod mirror_support;
mod support;

use std::sync::Arc;

use hbuild::digest::Sha256;
use hbuild::lock::{LockError, LockOutcome, Updated};
use hbuild::timestamp::Timestamp;
use hbuild_lang::recipe::{Arch, Image};
use miette::Diagnostic;
use mirror_support::gpg::Gpg;
use mirror_support::images::{image, repository};
use mirror_support::repository::{Package, Placed, Suite};
use mirror_support::world::{World, day, now};

/// A mirror with one suite, `test`, and the key that signs it.
struct Setting {
    world: World,
    gpg: Gpg,
    key: String,
    images: Vec<Image>,
}

fn setting() -> Option<Setting> {
    let Some(gpg) = Gpg::new() else {
        support::skip("gpg and gpgv are not installed");
        return None;
    };
    let key = gpg.key("archive", "ed25519", "sign", "0", None);
    let repositories = [repository("debian", "test", &[&gpg.armor(&key)])];
    let images = vec![image("hello", Arch::Amd64, &["hello"], &repositories)];
    Some(Setting { world: World::new(), gpg, key, images })
}

fn suite(date: &str) -> Suite {
    Suite::new("test", date, &[Package::new("hello", "1.0-1", "")])
}

impl Setting {
    fn write(&self, suite: &Suite) {
        suite.write(&self.world.root(), &self.gpg, &self.key);
    }

    fn lock(&self) -> Result<LockOutcome, LockError> {
        self.world.lock(&self.images, None, Updated::Outgrown)
    }
}

/// Asserts that `result` is an error of this code with a help text, and gives the whole message.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, LockError>, code: &str) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), format!("hbuild::{code}"), "{error}");
    assert!(error.help().is_some());
    error.to_string()
}

#[test]
fn a_good_suite_in_every_form() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    for forms in [vec!["", ".gz", ".xz"], vec![".gz"], vec![".xz"], vec![""]] {
        for placed in [Placed::ByName, Placed::ByHash, Placed::Both] {
            setting.write(&Suite { forms: forms.clone(), placed, ..suite(&day(-1)) });
            let outcome = setting.lock().unwrap();
            let package = &outcome.lock.packages[0];
            assert_eq!((package.name.as_str(), package.version.as_str()), ("hello", "1.0-1"));
            assert_eq!(package.source, "hello-src");
            assert_eq!(outcome.lock.snapshots[0].signed_by, std::slice::from_ref(&setting.key));
            let index = &outcome.lock.snapshots[0].indexes[0];
            let best = forms.last().unwrap();
            assert_eq!(index.path, format!("main/binary-amd64/Packages{best}"));
        }
    }
}

#[test]
fn unsigned_other_key_and_changed() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    let root = setting.world.root();
    let release = suite(&day(-1)).write_indexes(&root);
    suite(&day(-1)).write_in_release(&root, release.as_bytes());
    refused(setting.lock(), "debian::unsigned");

    let other = setting.gpg.key("other", "ed25519", "sign", "0", None);
    suite(&day(-1)).write(&root, &setting.gpg, &other);
    let message = refused(setting.lock(), "debian::other_key");
    assert!(message.contains(&other), "{message}");

    let signed = setting.gpg.sign(release.as_bytes(), &[&setting.key], &[], None);
    let changed = String::from_utf8(signed).unwrap().replace("Origin: Test", "Origin: Evil");
    suite(&day(-1)).write_in_release(&root, changed.as_bytes());
    refused(setting.lock(), "debian::bad_signature");

    let mut without_keys = setting.images.clone();
    Arc::make_mut(&mut without_keys[0].repositories)[0].keys.clear();
    refused(setting.world.lock(&without_keys, None, Updated::Outgrown), "debian::no_keys");
    Arc::make_mut(&mut without_keys[0].repositories)[0] = repository("debian", "test", &["nonsense"]);
    refused(setting.world.lock(&without_keys, None, Updated::Outgrown), "debian::bad_key");
}

#[test]
fn dates() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    let end = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    setting.write(&Suite { valid_until: end(&day(-1)), ..suite(&day(-8)) });
    refused(setting.lock(), "debian::expired");
    setting.write(&Suite { valid_until: end(&day(1)), ..suite(&day(-8)) });
    let lock = setting.lock().unwrap().lock;
    assert_eq!(lock.snapshots[0].valid_until, Some(day(1)));
    setting.write(&suite(&day(3)));
    refused(setting.lock(), "debian::not_yet_valid");
    setting.write(&suite(&day(-9)));
    refused(setting.world.lock(&setting.images, Some(&lock), Updated::All), "debian::older");
    assert!(
        setting.world.lock(&setting.images, Some(&lock), Updated::Outgrown).is_ok(),
        "nothing is fetched"
    );
}

#[test]
fn names() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    setting.write(&suite(&day(-2)));
    let mut by_suite = setting.images.clone();
    Arc::make_mut(&mut by_suite[0].repositories)[0].suite = "stable".to_owned();
    let stable = |codename: &str| Suite {
        folder: "stable".to_owned(),
        codename: codename.to_owned(),
        ..suite(&day(-1))
    };
    setting.write(&stable("test"));
    let lock = setting.world.lock(&by_suite, None, Updated::Outgrown).unwrap().lock;
    assert_eq!(lock.snapshots[0].codename.as_deref(), Some("test"));
    setting.write(&stable("next"));
    let message = refused(setting.world.lock(&by_suite, Some(&lock), Updated::All), "debian::renamed");
    assert!(message.contains("`test`") && message.contains("`next`"), "{message}");
    setting.write(&Suite { codename: "else".to_owned(), ..suite(&day(-1)) });
    refused(setting.lock(), "debian::other_suite");
}

#[test]
fn what_a_suite_does_not_have() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    setting.write(&suite(&day(-1)));
    let with = |change: &dyn Fn(&mut Image)| {
        let mut images = setting.images.clone();
        change(&mut images[0]);
        setting.world.lock(&images, None, Updated::Outgrown)
    };
    let message = refused(with(&|image| image.arch = Arch::Arm64), "debian::no_architecture");
    assert!(message.contains("`arm64`") && message.contains("amd64"), "{message}");
    let universe = |image: &mut Image| {
        Arc::make_mut(&mut image.repositories)[0].components = vec!["universe".to_owned()]
    };
    refused(with(&universe), "debian::no_component");
    refused(
        with(&|image| Arc::make_mut(&mut image.repositories)[0].suite = "none".to_owned()),
        "host::not_found",
    );
    let url = |image: &mut Image| {
        Arc::make_mut(&mut image.repositories)[0].url = Some("https://me:s3cret@host/apt".to_owned())
    };
    let message = refused(with(&url), "lock::credential");
    assert!(!message.contains("s3cret"));
    refused(
        with(&|image| Arc::make_mut(&mut image.packages)[0].value = "hello@edge".to_owned()),
        "debian::bad_request",
    );
    let mut images = setting.images.clone();
    Arc::make_mut(&mut images[0].packages)[0].value = "helo".to_owned();
    let message = refused(setting.world.lock(&images, None, Updated::Outgrown), "debian::unknown_package");
    assert!(message.contains("`hello`") && message.contains("hello.hb:10:3"), "{message}");
}

#[test]
fn an_index_that_does_not_match() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    let signed = Suite { placed: Placed::ByName, ..suite(&day(-1)) };
    let folder = setting.world.root().join("dists/test/main/binary-amd64");
    let spoil = |change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        setting.write(&signed);
        for form in ["", ".gz", ".xz"] {
            let path = folder.join(format!("Packages{form}"));
            std::fs::write(&path, change(std::fs::read(&path).unwrap())).unwrap();
        }
        setting.lock()
    };
    let flipped = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    refused(spoil(&flipped), "host::wrong_bytes");
    refused(spoil(&|bytes| bytes[..bytes.len() - 1].to_vec()), "host::wrong_bytes");
    setting.write(&signed);
    std::fs::remove_dir_all(&folder).unwrap();
    refused(setting.lock(), "host::not_found");
    setting.write(&signed);
    setting.lock().unwrap();
}

/// Digests are right, content is not: an archive made wrongly.
#[test]
fn an_index_that_is_none() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    let root = setting.world.root();
    let folder = root.join("dists/test/main/binary-amd64");
    let lock_with = |name: &str, bytes: &[u8], plain_size: usize| {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
        let release = format!(
            "Codename: test\nDate: {}\nArchitectures: amd64\nComponents: main\nSHA256:\n {} {} \
             main/binary-amd64/{name}\n {} {plain_size} main/binary-amd64/Packages\n",
            mirror_support::repository::rfc_5322(now().plus(-60)),
            Sha256::of(bytes),
            bytes.len(),
            Sha256::of(b""),
        );
        let signed = setting.gpg.sign(release.as_bytes(), &[&setting.key], &[], None);
        suite(&day(-1)).write_in_release(&root, &signed);
        setting.lock()
    };
    let xz = mirror_support::repository::compressed(&vec![b'\n'; 10_000_000], ".xz");
    refused(lock_with("Packages.xz", &xz, 1_000), "debian::damaged_index");
    refused(lock_with("Packages.xz", b"no xz at all", 1_000), "debian::damaged_index");
    refused(lock_with("Packages.gz", b"no gzip at all", 1_000), "debian::damaged_index");
    refused(lock_with("Packages.xz", &xz, 1 << 30), "debian::damaged_index");
    let nonsense = mirror_support::repository::compressed(b"no: package\n", ".xz");
    refused(lock_with("Packages.xz", &nonsense, 12), "debian::unreadable_index");
}
