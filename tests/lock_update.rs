//! Making a lock and making it again: what stays, what moves, what is fetched.

mod mirror_support;
mod support;

use std::sync::Arc;

use hbuild::lock::{ChangeKind, Lock, LockError, RecipeFile, RecipeItems, Updated, check, request_of};
use hbuild_lang::recipe::{Arch, Image, Repository};
use mirror_support::gpg::Gpg;
use mirror_support::images::{image, repository};
use mirror_support::repository::{Package, Suite};
use mirror_support::world::{World, day};

struct Setting {
    world: World,
    gpg: Gpg,
    key: String,
    repositories: Vec<Repository>,
}

fn setting() -> Option<Setting> {
    let Some(gpg) = Gpg::new() else {
        support::skip("gpg and gpgv are not installed");
        return None;
    };
    let key = gpg.key("archive", "ed25519", "sign", "0", None);
    let repositories = vec![repository("debian", "test", &[&gpg.armor(&key)])];
    Some(Setting { world: World::new(), gpg, key, repositories })
}

impl Setting {
    /// The suite of this date: `app` needs `lib`; `tool` and `lib` stand alone.
    fn publish(&self, date: &str, versions: &[(&str, &str)]) {
        let package = |(name, version): &(&str, &str)| {
            Package::new(name, version, if *name == "app" { "lib" } else { "" })
        };
        let packages: Vec<Package> = versions.iter().map(package).collect();
        let mut suite = Suite::new("test", date, &packages);
        suite.packages.insert("arm64".to_owned(), packages);
        suite.write(&self.world.root(), &self.gpg, &self.key);
    }

    fn image(&self, name: &str, arch: Arch, packages: &[&str]) -> Image {
        image(name, arch, packages, &self.repositories)
    }
}

fn packages_of(lock: &Lock, image: &str) -> Vec<String> {
    let variant = lock.variants.iter().find(|variant| variant.image == image).unwrap();
    variant.packages.iter().map(|reference| reference.rsplit_once(':').unwrap().0.to_owned()).collect()
}

const HELLO: RecipeFile<'_> = RecipeFile { name: "hello.hb", shown: "recipes/hello.hb" };

#[test]
fn what_is_locked_stays() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    setting.publish(&day(-3), &[("app", "1.0"), ("lib", "1.0"), ("tool", "1.0")]);
    let images = [
        setting.image("one", Arch::Amd64, &["app", "lib"]),
        setting.image("one", Arch::Arm64, &["app", "lib"]),
        setting.image("two", Arch::Amd64, &["tool"]),
    ];
    let first = setting.world.lock(&images, None, Updated::Outgrown).unwrap();
    assert_eq!(first.lock.variants.len(), 3);
    assert_eq!(first.lock.packages.len(), 5);
    assert_eq!(packages_of(&first.lock, "one"), ["app=1.0", "lib=1.0"]);
    assert!(first.changes.groups.iter().all(|group| group.kind == ChangeKind::New));
    for image in &images {
        check(HELLO, (image, &[]), Some(&first.lock)).unwrap();
    }
    let text = first.lock.serialize();
    assert_eq!(Lock::parse(&text).unwrap(), first.lock);

    let mut seen = 0;
    let requests = setting.world.requests(&mut seen);
    assert_eq!(requests.len(), 3, "one InRelease, one index for each architecture: {requests:?}");
    setting.publish(&day(-2), &[("app", "2.0"), ("lib", "2.0"), ("tool", "2.0")]);
    let again = setting.world.lock(&images, Some(&first.lock), Updated::Outgrown).unwrap();
    assert_eq!(again.lock.serialize(), text, "without a reason nothing moves");
    assert!(again.changes.is_empty());
    assert_eq!(setting.world.requests(&mut seen), [""; 0], "and nothing is fetched");

    let all = setting.world.lock(&images, Some(&first.lock), Updated::All).unwrap();
    assert_eq!(packages_of(&all.lock, "two"), ["tool=2.0"]);
    assert_eq!(all.lock.snapshots.len(), 1, "the old snapshot has no package left");
    assert_eq!(
        all.changes.table(),
        "one (amd64, debian12, runtime), one (arm64, debian12, runtime)\n  ^ app  1.0 -> 2.0\n  ^ lib  1.0 -> 2.0\n\
         two (amd64, debian12, runtime)\n  ^ tool  1.0 -> 2.0\n"
    );
    let back = hbuild::lock::Changes::between(&all.lock, &first.lock).table();
    assert!(back.contains("  v tool  2.0 -> 1.0\n"), "{back}");
}

#[test]
fn unchanged_indexes_are_not_fetched_again() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    setting.publish(&day(-3), &[("app", "1.0"), ("lib", "1.0"), ("tool", "1.0")]);
    let one = setting.image("one", Arch::Amd64, &["app", "lib"]);
    let mut seen = 0;
    let first = setting.world.lock(std::slice::from_ref(&one), None, Updated::Outgrown).unwrap();
    setting.world.requests(&mut seen);
    let images = [one, setting.image("two", Arch::Amd64, &["tool"])];
    let second = setting.world.lock(&images, Some(&first.lock), Updated::Outgrown).unwrap();
    assert_eq!(setting.world.requests(&mut seen), ["/dists/test/InRelease"]);
    assert_eq!(second.lock.snapshots, first.lock.snapshots);
    setting.world.lock(&images, Some(&second.lock), Updated::All).unwrap();
    assert_eq!(setting.world.requests(&mut seen), ["/dists/test/InRelease"]);
}

#[test]
fn an_outgrown_variant_keeps_what_it_can() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    setting.publish(&day(-3), &[("app", "1.0"), ("lib", "1.0"), ("tool", "1.0")]);
    let old =
        [setting.image("one", Arch::Amd64, &["app", "lib"]), setting.image("two", Arch::Amd64, &["tool"])];
    let first = setting.world.lock(&old, None, Updated::Outgrown).unwrap().lock;
    // Version 1.0 of `lib` is still there beside the new one; `app` moved on.
    setting.publish(&day(-2), &[("app", "2.0"), ("lib", "1.0"), ("lib", "2.0"), ("tool", "2.0")]);
    let new = [setting.image("one", Arch::Amd64, &["app", "lib", "tool"]), old[1].clone()];
    let outgrown = check(HELLO, (&new[0], &[]), Some(&first)).unwrap_err();
    assert!(matches!(outgrown, LockError::Outgrown { .. }));
    assert!(outgrown.to_string().contains("packages: +tool"), "{outgrown}");
    let second = setting.world.lock(&new, Some(&first), Updated::Outgrown).unwrap();
    assert_eq!(packages_of(&second.lock, "one"), ["app=2.0", "lib=1.0", "tool=2.0"]);
    assert_eq!(packages_of(&second.lock, "two"), ["tool=1.0"]);
    assert_eq!(second.lock.snapshots.len(), 2, "each package keeps the index that vouches for it");
    let lib = second.lock.packages.iter().find(|package| package.name == "lib").unwrap();
    assert!(lib.snapshot.contains(&day(-3)), "{}", lib.snapshot);
    assert_eq!(
        second.changes.table(),
        "one (amd64, debian12, runtime)\n  ^ app   1.0 -> 2.0\n  + tool         2.0\n"
    );
    assert_eq!(Lock::parse(&second.lock.serialize()).unwrap(), second.lock);
}

#[test]
fn an_update_by_name_moves_that_alone() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    setting.publish(&day(-3), &[("app", "1.0"), ("lib", "1.0"), ("tool", "1.0")]);
    let images = [
        setting.image("one", Arch::Amd64, &["app", "lib", "tool"]),
        setting.image("two", Arch::Amd64, &["tool"]),
    ];
    let first = setting.world.lock(&images, None, Updated::Outgrown).unwrap().lock;
    let both =
        [("app", "1.0"), ("app", "2.0"), ("lib", "1.0"), ("lib", "2.0"), ("tool", "1.0"), ("tool", "2.0")];
    setting.publish(&day(-2), &both);
    let named = |names: &[&str]| Updated::Named(names.iter().map(|name| (*name).to_owned()).collect());
    let second = setting.world.lock(&images, Some(&first), named(&["lib"])).unwrap();
    assert_eq!(packages_of(&second.lock, "one"), ["app=1.0", "lib=2.0", "tool=1.0"]);
    assert_eq!(packages_of(&second.lock, "two"), ["tool=1.0"]);
    assert_eq!(second.changes.table(), "one (amd64, debian12, runtime)\n  ^ lib  1.0 -> 2.0\n");
    let error = setting.world.lock(&images, Some(&first), named(&["libb"])).unwrap_err();
    assert!(matches!(error, LockError::UnknownUpdate { .. }), "{error}");
}

#[test]
fn variants_come_and_go() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    setting.publish(&day(-3), &[("app", "1.0"), ("lib", "1.0"), ("tool", "1.0")]);
    let one = [setting.image("one", Arch::Amd64, &["lib"])];
    let two = [setting.image("two", Arch::Amd64, &["tool"])];
    let recipe = |name: &str, images| RecipeItems { name: name.to_owned(), images, ..RecipeItems::default() };
    let both = [recipe("a.hb", &one), recipe("b.hb", &two)];
    let lock = setting.world.lock_recipes(&both, None, Updated::Outgrown).unwrap().lock;
    // Another recipe of the folder keeps its part of the lock.
    let alone = setting.world.lock_recipes(&both[..1], Some(&lock), Updated::All).unwrap();
    assert_eq!(alone.lock, lock);
    let gone = setting.world.lock_recipes(&[recipe("a.hb", &[])], Some(&lock), Updated::Outgrown).unwrap();
    assert_eq!(gone.lock.packages.len(), 1);
    assert_eq!(gone.changes.groups[0].kind, ChangeKind::Gone);
    assert_eq!(gone.changes.table(), "gone: one (amd64, debian12, runtime)\n");
    let missing =
        check(RecipeFile { name: "a.hb", shown: "a.hb" }, (&one[0], &[]), Some(&gone.lock)).unwrap_err();
    assert!(matches!(missing, LockError::NoVariant { .. }));
    assert!(matches!(check(HELLO, (&one[0], &[]), None), Err(LockError::Missing { .. })));
}

#[test]
fn the_same_version_with_other_bytes() {
    if !support::loopback() {
        return;
    }
    let Some(setting) = setting() else { return };
    setting.publish(&day(-3), &[("lib", "1.0"), ("tool", "1.0")]);
    let images = [setting.image("one", Arch::Amd64, &["lib"]), setting.image("two", Arch::Amd64, &["tool"])];
    let mut lock = setting.world.lock(&images, None, Updated::Outgrown).unwrap().lock;
    lock.packages[0].sha256 = Some(hbuild::digest::Sha256::of(b"others"));
    setting.publish(&day(-2), &[("lib", "1.0"), ("tool", "1.0")]);
    let more = [images[0].clone(), setting.image("two", Arch::Amd64, &["lib", "tool"])];
    let error = setting.world.lock(&more, Some(&lock), Updated::Outgrown).unwrap_err();
    assert!(matches!(error, LockError::ChangedBytes { .. }), "{error}");
    setting.world.lock(&more, Some(&lock), Updated::All).unwrap();
}

#[test]
fn requests_are_canonical() {
    if !support::loopback() {
        return;
    }
    let repositories = [repository("debian", "bookworm", &[])];
    let mut one = image("x", Arch::Arm64, &["b", "a", "b", "c=1.0", "c"], &repositories);
    let mut other = image("x", Arch::Arm64, &["c=1.0", "a", "b"], &repositories);
    assert_eq!(request_of(&one, &[]), request_of(&other, &[]));
    assert_eq!(request_of(&one, &[]).packages, ["a", "b", "c=1.0"]);
    assert_eq!(request_of(&one, &[]).repositories, ["debian bookworm main"]);
    Arc::make_mut(&mut one.repositories)[0].keys = repository("x", "x", &["key"]).keys;
    assert_eq!(request_of(&one, &[]), request_of(&other, &[]), "the distribution's keys come with hbuild");
    let own = |image: &mut Image, key: &str| {
        Arc::make_mut(&mut image.repositories)[0] = repository("own", "stable", &[key]);
        Arc::make_mut(&mut image.repositories)[0].url = Some("https://me:secret@host/apt".to_owned());
    };
    own(&mut one, "key");
    own(&mut other, "other key");
    assert_ne!(
        request_of(&one, &[]),
        request_of(&other, &[]),
        "a repository of the recipe is known by its keys"
    );
    assert!(request_of(&one, &[]).repositories[0].starts_with("own stable main https://host/apt keys="));
}
