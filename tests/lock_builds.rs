//! The roots of builds and git sources in a lock: what they share, what stays, what moves, who has them.

mod mirror_support;
mod support;

use std::collections::BTreeMap;
use std::time::Instant;

use hbuild::digest::Sha256;
use hbuild::lock::{
    ChangeKind, Changes, Lock, LockError, LockOutcome, LockedRoot, RecipeFile, RecipeItems, UpdateOptions,
    Updated, check_build, check_git, unlocked_git,
};
use hbuild_lang::recipe::{Arch, Build, Place, Repository, Source, SourceFrom};
use miette::Diagnostic;
use mirror_support::gpg::Gpg;
use mirror_support::images::{build, image, repository};
use mirror_support::repository::{Package, Suite};
use mirror_support::world::{World, day};

struct Setting {
    world: World,
    gpg: Gpg,
    key: String,
    repositories: Vec<Repository>,
}

fn setting() -> Option<Setting> {
    if !support::loopback() {
        return None;
    }
    let Some(gpg) = Gpg::new() else {
        support::skip("gpg and gpgv are not installed");
        return None;
    };
    let key = gpg.key("archive", "ed25519", "sign", "0", None);
    let repositories = vec![repository("debian", "test", &[&gpg.armor(&key)])];
    Some(Setting { world: World::new(), gpg, key, repositories })
}

impl Setting {
    /// The suite of this date: `cc` needs `lib`; `make` and `lib` stand alone. Every version is there.
    fn publish(&self, date: &str, versions: &[&str]) {
        let names = ["cc", "lib", "make"];
        let package =
            |name: &str, version: &str| Package::new(name, version, if name == "cc" { "lib" } else { "" });
        let packages: Vec<Package> =
            names.iter().flat_map(|name| versions.iter().map(|version| package(name, version))).collect();
        let mut suite = Suite::new("test", date, &packages);
        suite.packages.insert("arm64".to_owned(), packages);
        suite.write(&self.world.root(), &self.gpg, &self.key);
    }

    fn build(&self, name: &str, tools: &[&str]) -> Build {
        build(name, Arch::Amd64, tools, &self.repositories)
    }

    fn lock(&self, recipes: &[(&str, &[Build])], old: Option<&Lock>, updated: Updated) -> LockOutcome {
        let items: Vec<_> = recipes
            .iter()
            .map(|(name, builds)| RecipeItems { name: (*name).to_owned(), builds, ..RecipeItems::default() })
            .collect();
        self.world.lock_recipes(&items, old, updated).unwrap()
    }
}

fn packages_of(root: &LockedRoot) -> Vec<&str> {
    root.packages.iter().map(|reference| reference.rsplit_once(':').unwrap().0).collect()
}

const A: RecipeFile<'_> = RecipeFile { name: "a.hb", shown: "recipes/a.hb" };
const B: RecipeFile<'_> = RecipeFile { name: "b.hb", shown: "recipes/b.hb" };

#[test]
fn builds_with_one_request_share_a_root() {
    let Some(setting) = setting() else { return };
    setting.publish(&day(-3), &["1.0"]);
    let mut split = setting.build("split", &["make"]);
    split.inputs = setting.build("x", &["cc", "make"]).tools;
    let a = [setting.build("one", &["cc", "make"]), split, setting.build("other", &["make"])];
    let b = [setting.build("two", &["make", "cc"])];
    let LockOutcome { lock, changes, .. } =
        setting.lock(&[("b.hb", &b), ("a.hb", &a)], None, Updated::Outgrown);
    let roots: Vec<_> = lock.roots.iter().map(|root| (root.recipes.join(" "), packages_of(root))).collect();
    assert_eq!(
        roots,
        [
            ("a.hb b.hb".to_owned(), vec!["cc=1.0", "lib=1.0", "make=1.0"]),
            ("a.hb".to_owned(), vec!["make=1.0"]),
        ]
    );
    assert_eq!(
        changes.table(),
        "new: root of a.hb, b.hb: cc, make (amd64, debian12)\n  + cc    1.0\n  + lib   1.0\n  + make  1.0\n\
         new: root of a.hb: make (amd64, debian12)\n  + make  1.0\n"
    );
    for (file, build) in [(A, &a[0]), (A, &a[1]), (B, &b[0])] {
        assert_eq!(check_build(file, build, Some(&lock)).unwrap(), &lock.roots[0]);
    }
    assert_eq!(check_build(A, &a[2], Some(&lock)).unwrap(), &lock.roots[1]);
    assert_eq!(Lock::parse(&lock.serialize()).unwrap(), lock);

    // Without a reason nothing moves and nothing is fetched.
    let mut seen = 0;
    setting.world.requests(&mut seen);
    setting.publish(&day(-2), &["2.0"]);
    let again = setting.lock(&[("a.hb", &a), ("b.hb", &b)], Some(&lock), Updated::Outgrown);
    assert_eq!(again.lock.serialize(), lock.serialize());
    assert!(again.changes.is_empty());
    assert_eq!(setting.world.requests(&mut seen), [""; 0]);
}

#[test]
fn roots_go_when_nobody_has_them_and_others_stay() {
    let Some(setting) = setting() else { return };
    setting.publish(&day(-3), &["1.0"]);
    let (a, b) =
        ([setting.build("one", &["cc"])], [setting.build("two", &["cc"]), setting.build("three", &["make"])]);
    let both = setting.lock(&[("a.hb", &a), ("b.hb", &b)], None, Updated::Outgrown).lock;
    // The other recipe of the folder keeps its part.
    assert_eq!(setting.lock(&[("a.hb", &a)], Some(&both), Updated::Outgrown).lock, both);
    let without_a = setting.lock(&[("a.hb", &[])], Some(&both), Updated::Outgrown);
    assert_eq!(without_a.lock.roots[0].recipes, ["b.hb"]);
    assert_eq!(without_a.lock.roots.len(), 2);
    assert_eq!(without_a.changes.table(), "root of b.hb: cc (amd64, debian12)\n  = the same packages\n");
    let error = check_build(A, &a[0], Some(&without_a.lock)).unwrap_err();
    assert!(matches!(error, LockError::NoVariant { .. }), "{error}");
    assert!(error.to_string().contains("build `one` (amd64, debian12) of `recipes/a.hb`"), "{error}");
    assert!(error.help().unwrap().to_string().contains("hbuild lock recipes/a.hb"));
    let none = setting.lock(&[("b.hb", &[])], Some(&without_a.lock), Updated::Outgrown);
    assert_eq!((none.lock.roots.len(), none.lock.packages.len(), none.lock.snapshots.len()), (0, 0, 0));
    assert!(none.changes.groups.iter().all(|group| group.kind == ChangeKind::Gone));
    assert!(matches!(check_build(A, &a[0], None), Err(LockError::Missing { .. })));
}

#[test]
fn an_outgrown_root_is_named_and_keeps_what_it_can() {
    let Some(setting) = setting() else { return };
    setting.publish(&day(-3), &["1.0"]);
    let old = [setting.build("one", &["cc"])];
    let first = setting.lock(&[("a.hb", &old)], None, Updated::Outgrown).lock;
    setting.publish(&day(-2), &["1.0", "2.0"]);
    let new = [setting.build("one", &["cc", "make"])];
    let error = check_build(A, &new[0], Some(&first)).unwrap_err();
    assert!(matches!(error, LockError::Outgrown { .. }), "{error}");
    assert!(error.to_string().contains("packages: +make"), "{error}");
    let second = setting.lock(&[("a.hb", &new)], Some(&first), Updated::Outgrown);
    assert_eq!(packages_of(&second.lock.roots[0]), ["cc=1.0", "lib=1.0", "make=2.0"]);
    assert_eq!(
        second.changes.table(),
        "root of a.hb: cc, make (amd64, debian12)\n  + make  2.0\n",
        "the root is told as the one it was"
    );
    let named = Updated::Named(vec!["lib".to_owned()]);
    let third = setting.lock(&[("a.hb", &new)], Some(&second.lock), named);
    assert_eq!(packages_of(&third.lock.roots[0]), ["cc=1.0", "lib=2.0", "make=2.0"]);
    let all = setting.lock(&[("a.hb", &new)], Some(&first), Updated::All);
    assert_eq!(packages_of(&all.lock.roots[0]), ["cc=2.0", "lib=2.0", "make=2.0"]);
}

#[test]
fn images_and_roots_have_the_same_versions() {
    let Some(setting) = setting() else { return };
    setting.publish(&day(-3), &["1.0"]);
    let images = [image("app", Arch::Amd64, &["lib"], &setting.repositories)];
    let first = setting.world.lock(&images, None, Updated::Outgrown).unwrap().lock;
    setting.publish(&day(-2), &["1.0", "2.0"]);
    let builds = [setting.build("one", &["cc"]), build("arm", Arch::Arm64, &["cc"], &setting.repositories)];
    let recipe = RecipeItems {
        name: "hello.hb".to_owned(),
        images: &images,
        builds: &builds,
        ..RecipeItems::default()
    };
    let lock = setting.world.lock_recipes(&[recipe], Some(&first), Updated::Outgrown).unwrap().lock;
    assert_eq!(packages_of(&lock.roots[0]), ["cc=2.0", "lib=1.0"]);
    assert_eq!(packages_of(&lock.roots[1]), ["cc=2.0", "lib=2.0"], "another architecture");
    // One request of an image and a build is resolved once, and both have the answer.
    let images = [image("app", Arch::Amd64, &["cc"], &setting.repositories)];
    let recipe = RecipeItems {
        name: "hello.hb".to_owned(),
        images: &images,
        builds: &builds[..1],
        ..RecipeItems::default()
    };
    let both = setting.world.lock_recipes(&[recipe], None, Updated::Outgrown).unwrap().lock;
    assert_eq!(both.variants[0].packages, both.roots[0].packages);
    assert_eq!(both.variants[0].request, both.roots[0].request);
}

#[test]
fn impossible_builds_are_refused_by_name() {
    let Some(setting) = setting() else { return };
    setting.publish(&day(-3), &["1.0"]);
    let lock = |build: Build| {
        let builds = [build];
        let recipe = RecipeItems { name: "a.hb".to_owned(), builds: &builds, ..RecipeItems::default() };
        setting.world.lock_recipes(&[recipe], None, Updated::Outgrown).unwrap_err()
    };
    let error = lock(setting.build("two", &["cc", "nothing-like-it"]));
    assert!(error.to_string().contains("the packages of the build `two`"), "{error}");
    assert!(error.to_string().contains("hello.hb:11:3"), "{error}");
}

/// A lock whose packages need no archive, with `count` roots.
fn large(count: usize) -> (Lock, Vec<Build>) {
    let repositories = [repository("debian", "test", &[])];
    let builds: Vec<Build> = (0..count)
        .map(|number| {
            build(&format!("b{number}"), Arch::Amd64, &["cc", &format!("p{number}")], &repositories)
        })
        .collect();
    let roots = builds.iter().map(|build| LockedRoot {
        recipes: vec!["a.hb".to_owned()],
        request: hbuild::lock::request_of_build(build),
        packages: Vec::new(),
        cut: Vec::new(),
    });
    let mut lock = Lock { roots: roots.collect(), ..Lock::empty() };
    lock = Lock::parse(&lock.serialize()).unwrap();
    (lock, builds)
}

#[test]
fn a_thousand_builds_cost_little() {
    let Some(setting) = setting() else { return };
    setting.publish(&day(-3), &["1.0"]);
    let many: Vec<Build> = (0..1000).map(|number| setting.build(&format!("b{number}"), &["cc"])).collect();
    let start = Instant::now();
    let lock = setting.lock(&[("a.hb", &many)], None, Updated::Outgrown).lock;
    assert_eq!(lock.roots.len(), 1);
    eprintln!("1,000 builds with one request: locked in {:?}", start.elapsed());
    let (lock, builds) = large(1000);
    let start = Instant::now();
    for build in &builds {
        check_build(A, build, Some(&lock)).unwrap();
    }
    eprintln!("1,000 builds with requests of their own: checked in {:?}", start.elapsed());
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
    assert!(Changes::between(&lock, &lock).is_empty());
}

fn source(name: &str, url: &str, commit: char, submodules: bool) -> Source {
    Source {
        name: name.to_owned(),
        point: BTreeMap::new(),
        from: SourceFrom::Git { url: url.to_owned(), commit: commit.to_string().repeat(40), submodules },
        license: None,
        purl: None,
        cpe: None,
        patches: Vec::new(),
        description: None,
        place: Place { file: "a.hb".into(), line: 3, column: 1 },
    }
}

#[test]
fn git_sources_are_locked_by_their_content() {
    let world = World::new();
    let lock = |recipes: &[(&str, &[Source])], old: Option<&Lock>, whole_folder| {
        let items: Vec<_> = recipes
            .iter()
            .map(|(name, sources)| RecipeItems {
                name: (*name).to_owned(),
                sources,
                ..RecipeItems::default()
            })
            .collect();
        let missing = unlocked_git(&items, old).unwrap();
        let asked = missing.len();
        let digest = |key: hbuild::lock::GitKey| (key.clone(), Sha256::of(format!("{key:?}").as_bytes()));
        let git = missing.into_iter().map(digest).collect();
        let options = UpdateOptions { whole_folder, git, ..UpdateOptions::default() };
        (world.lock_with(&items, old, &options).unwrap(), asked)
    };
    let url = "https://example.org/x.git";
    let a = [source("x", url, 'a', false), source("y", url, 'a', true), source("z", url, 'a', false)];
    let b = [source("x", url, 'a', false)];
    let (first, asked) = lock(&[("a.hb", &a), ("b.hb", &b)], None, true);
    assert_eq!(asked, 2);
    let recipes: Vec<_> = first.lock.git.iter().map(|git| (git.submodules, git.recipes.join(" "))).collect();
    assert_eq!(recipes, [(false, "a.hb b.hb".to_owned()), (true, "a.hb".to_owned())]);
    assert_eq!(Lock::parse(&first.lock.serialize()).unwrap(), first.lock);
    let hex = "a".repeat(40);
    assert_eq!(
        first.changes.table(),
        format!("new: git {url} {hex}\nnew: git {url} {hex} with submodules\n")
    );
    check_git(A, &a, Some(&first.lock)).unwrap();
    let (again, asked) = lock(&[("a.hb", &a)], Some(&first.lock), false);
    assert_eq!((again.lock, asked), (first.lock.clone(), 0));

    let moved = [source("x", url, 'b', false)];
    let error = check_git(A, &moved, Some(&first.lock)).unwrap_err();
    assert!(matches!(error, LockError::Outgrown { .. }), "{error}");
    let (new, old) = ("b".repeat(40), format!("-{url}@{hex}"));
    assert!(error.to_string().contains(&format!("+{url}@{new} {old}")), "{error}");
    assert!(error.help().unwrap().to_string().contains("hbuild lock recipes/a.hb"));
    assert!(matches!(check_git(A, &moved, None), Err(LockError::Missing { .. })));
    check_git(A, &[], None).unwrap();
    // The other recipe keeps its commit; once nobody has one, it goes.
    let (second, asked) = lock(&[("a.hb", &moved)], Some(&first.lock), false);
    assert_eq!(asked, 1);
    let commits: Vec<_> = second.lock.git.iter().map(|git| (&git.commit[..1], &git.recipes[0][..])).collect();
    assert_eq!(commits, [("a", "b.hb"), ("b", "a.hb")]);
    let (third, _) = lock(&[("a.hb", &moved)], Some(&second.lock), true);
    assert_eq!(third.lock.git.len(), 1);

    for secret in
        ["https://user:word@example.org/x", "https://token@example.org/x", "ssh://git:word@example.org/x"]
    {
        let sources = [source("x", secret, 'a', false)];
        let items = RecipeItems { name: "a.hb".to_owned(), sources: &sources, ..RecipeItems::default() };
        assert!(matches!(unlocked_git(&[items], None), Err(LockError::Credential { .. })), "{secret}");
    }
    let sources = [source("x", "ssh://git@example.org/x", 'a', false)];
    let items = RecipeItems { name: "a.hb".to_owned(), sources: &sources, ..RecipeItems::default() };
    assert_eq!(unlocked_git(&[items], None).unwrap().len(), 1);
}
