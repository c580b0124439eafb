use std::collections::BTreeMap;
use std::sync::Arc;

use hbuild_lang::recipe::{Arch, Family, Flavor, PathRule, User};
use miette::Diagnostic;

use super::*;
use crate::tree::{ContentSink, Entry, EntryKind, MemoryContents, Origin};

const EPOCH: i64 = 315_532_800;

/// A merge being put together for a test.
struct Case {
    parameters: Merge,
    trees: Vec<(Tree, Option<Tree>)>,
    contents: MemoryContents,
}

fn path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes()).unwrap()
}

fn case(release: &str) -> Case {
    let parameters = Merge {
        family: Family::Debian,
        release: release.to_owned(),
        arch: Arch::Amd64,
        flavor: Flavor::Runtime,
        epoch: EPOCH,
        inputs: vec![],
        rules: BTreeMap::new(),
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        effects: BTreeMap::new(),
        os_release: BTreeMap::new(),
        layers: vec![],
        world: vec![],
        apk_repositories: vec![],
        apk_keys: BTreeMap::new(),
    };
    Case { parameters, trees: vec![], contents: MemoryContents::default() }
}

/// `name/` is a directory, `name -> target` a link, `name = text` a file.
fn tree(contents: &mut MemoryContents, lines: &[&str]) -> Tree {
    let mut entries = Vec::new();
    for line in lines {
        entries.push(if let Some((name, target)) = line.split_once(" -> ") {
            Entry::symlink(path(name), target, 7)
        } else if let Some((name, text)) = line.split_once(" = ") {
            let digest = contents.keep_bytes(text.as_bytes()).unwrap();
            Entry::file(path(name), digest, text.len() as u64, 0o644, 7)
        } else {
            Entry::directory(path(line.trim_end_matches('/')), 7)
        });
    }
    Tree::new(entries).unwrap()
}

fn origin(name: &str) -> Origin {
    Origin(format!("deb:{name}=1.0:amd64"))
}

impl Case {
    fn package(self, name: &str, lines: &[&str]) -> Self {
        self.package_with(name, "", &[], lines)
    }

    fn package_with(mut self, name: &str, fields: &str, control: &[&str], lines: &[&str]) -> Self {
        let stanza = format!("control = Package: {name}\nVersion: 1.0\nArchitecture: amd64\n{fields}");
        let mut control = control.to_vec();
        control.push(&stanza);
        let control = tree(&mut self.contents, &control);
        let files = tree(&mut self.contents, lines);
        let input = MergeInput::Package { name: name.to_owned(), origin: origin(name), apk: None };
        self.parameters.inputs.push(input);
        self.trees.push((files, Some(control)));
        self
    }

    fn content(mut self, name: &str, at: &str, globs: [&[&str]; 3], lines: &[&str]) -> Self {
        let [only, without, replacing] =
            globs.map(|globs| globs.iter().map(|glob| (*glob).to_owned()).collect());
        let origin = Origin(format!("source:{name}"));
        let at = at.to_owned();
        self.parameters.inputs.push(MergeInput::Content { origin, at, only, without, replacing });
        let files = tree(&mut self.contents, lines);
        self.trees.push((files, None));
        self
    }

    fn rule(mut self, text: &str, rule: PathRule) -> Self {
        self.parameters.rules.insert(text.to_owned(), rule);
        self
    }

    fn run(&self) -> Result<(Merged, Vec<String>, MemoryContents), MergeError> {
        let sources: Vec<_> = self
            .parameters
            .inputs
            .iter()
            .zip(&self.trees)
            .map(|(input, (tree, control))| Source {
                input,
                tree: Arc::new(tree.clone()),
                control: control.clone().map(Arc::new),
                origins: None,
            })
            .collect();
        let mut sink = MemoryContents::default();
        let (merged, warnings) = merge(&self.parameters, &sources, &self.contents, &mut sink)?;
        Ok((merged, warnings, sink))
    }

    fn merged(&self) -> Merged {
        self.run().unwrap().0
    }

    fn code(&self) -> String {
        let error = self.run().unwrap_err();
        assert!(error.help().is_some());
        error.code().unwrap().to_string().replace("hbuild::merge::", "")
    }
}

/// The paths outside `/var/lib/dpkg` that are no directories.
fn files(tree: &Tree) -> Vec<String> {
    let entries = tree.entries().iter().filter(|entry| !entry.is_directory());
    let paths = entries.map(|entry| entry.path.absolute());
    paths.filter(|path| !path.starts_with("/var/lib/dpkg")).collect()
}

fn at<'a>(merged: &'a Merged, text: &str) -> &'a Entry {
    merged.tree.get(&path(text)).unwrap_or_else(|| panic!("no {text}"))
}

fn attrs(owner: Option<&str>, mode: Option<u16>) -> PathRule {
    PathRule::Attrs { owner: owner.map(str::to_owned), group: None, mode }
}

fn file(text: &str, owner: Option<&str>) -> PathRule {
    PathRule::File { text: text.to_owned(), owner: owner.map(str::to_owned), group: None, mode: None }
}

#[test]
fn two_packages_with_one_file_are_refused_unless_one_replaces() {
    let both = |fields: [&str; 2]| {
        let one = case("12").package_with("a", fields[0], &[], &["etc/", "etc/x = a"]);
        one.package_with("b", fields[1], &[], &["etc/", "etc/x = bb"])
    };
    assert_eq!(both(["", ""]).code(), "file_conflict");
    let error = both(["", ""]).run().unwrap_err().to_string();
    assert_eq!(error, "/etc/x comes from deb:a=1.0:amd64 and from deb:b=1.0:amd64");
    for (fields, owner) in [
        (["", "Replaces: c, a (<< 2)\n"], "b"),
        (["Replaces: b\n", ""], "a"),
        (["", "Replaces: c,\n a (= 1.0)\n"], "b"),
    ] {
        assert_eq!(both(fields).merged().origins.get(&path("etc/x")), Some(&origin(owner)), "{fields:?}");
    }
    assert_eq!(both(["", "Replaces: a (<< 1.0)\n"]).code(), "file_conflict");
    let kinds = case("12").package("a", &["x = 1"]).package("b", &["x/"]);
    assert_eq!(kinds.code(), "kind_conflict");
}

#[test]
fn architectures_of_one_package_share_what_is_the_same() {
    let both = |text: &str, fields: &str| {
        let mut case = case("12").package_with("a", fields, &[], &["doc = 1"]);
        case = case.package_with("a", fields, &[], &[&format!("doc = {text}")]);
        let MergeInput::Package { origin, .. } = &mut case.parameters.inputs[1] else { unreachable!() };
        origin.0 = "deb:a=1.0:i386".to_owned();
        case
    };
    assert_eq!(files(&both("1", "Multi-Arch: same\n").merged().tree), ["/doc"]);
    assert_eq!(both("2", "Multi-Arch: same\n").code(), "file_conflict");
    assert_eq!(both("1", "").code(), "file_conflict");
}

#[test]
fn the_usr_merge_holds_for_real_folders_and_for_links() {
    let bookworm = case("12").package("base-files", &["bin/", "lib/", "usr/", "usr/bin/"]);
    let trixie = case("13").package("base-files", &["bin -> usr/bin", "lib -> usr/lib", "usr/", "usr/bin/"]);
    for case in [bookworm, trixie] {
        let case = case.package("a", &["bin/", "bin/sh = x", "lib64/", "lib64/ld.so = y"]);
        let merged = case.merged();
        assert_eq!(at(&merged, "bin").kind, EntryKind::Symlink { target: b"usr/bin".to_vec() });
        assert_eq!(at(&merged, "lib64").kind, EntryKind::Symlink { target: b"usr/lib64".to_vec() });
        assert!(merged.tree.get(&path("usr/bin/sh")).is_some());
        let twice = case.package("b", &["usr/", "usr/bin/", "usr/bin/sh = x"]);
        assert_eq!(twice.code(), "file_conflict");
    }
    let old = case("11").package("a", &["bin/", "bin/sh = x"]).merged();
    assert!(old.tree.get(&path("bin/sh")).is_some());
}

#[test]
fn a_directory_goes_through_the_link_that_is_there() {
    let case = case("12").package("a", &["srv/", "srv/real/", "srv/link -> real"]);
    let through = case.package("b", &["srv/", "srv/link/", "srv/link/file = x"]);
    let merged = through.merged();
    assert_eq!(files(&merged.tree), ["/srv/link", "/srv/real/file"]);
    let broken = super::tests::case("12").package("a", &["link -> nowhere/x", "nowhere = file"]);
    assert_eq!(broken.package("b", &["link/", "link/file = x"]).code(), "kind_conflict");
    let looped = super::tests::case("12").package("a", &["link -> link"]);
    assert_eq!(looped.package("b", &["link/file = x"]).code(), "broken_link");
    let outside = super::tests::case("12").package("a", &["link -> ../../../tmp"]);
    let merged = outside.package("b", &["link/file = x"]).merged();
    assert!(merged.tree.get(&path("tmp/file")).is_some(), "as in a root: .. stops at it");
}

#[test]
fn a_diversion_moves_the_file_of_others_aside() {
    let script = "preinst = #!/bin/sh\nset -e\nif [ \"$1\" = install ]; then\n  dpkg-divert --package b --add --rename \\\n    --divert /usr/bin/x.a /usr/bin/x\nfi\n";
    let case = case("12").package("a", &["bin/", "bin/x = a"]);
    let merged = case.package_with("b", "", &[script], &["usr/", "usr/bin/", "usr/bin/x = b"]).merged();
    assert_eq!(merged.origins.get(&path("usr/bin/x")), Some(&origin("b")));
    assert_eq!(merged.origins.get(&path("usr/bin/x.a")), Some(&origin("a")));
}

#[test]
fn contents_are_placed_chosen_and_may_replace_only_what_they_say() {
    let none: [&[&str]; 3] = [&[], &[], &[]];
    let lines = ["bin/", "bin/tool = 1", "doc/", "doc/tool.txt = 2", "etc/", "etc/tool.conf = 3"];
    let at_opt = case("12").content("x", "/opt/x", none, &lines).merged();
    assert_eq!(files(&at_opt.tree), ["/opt/x/bin/tool", "/opt/x/doc/tool.txt", "/opt/x/etc/tool.conf"]);
    let chosen = case("12").content("x", "/", [&["bin/**", "etc"], &["**/*.conf"], &[]], &lines).merged();
    assert_eq!(files(&chosen.tree), ["/bin", "/usr/bin/tool"]);
    let over = |globs: [&[&str]; 3]| {
        case("12").package("a", &["etc/", "etc/tool.conf = a"]).content("x", "/", globs, &lines)
    };
    assert_eq!(over(none).code(), "not_replacing");
    let merged = over([&[], &[], &["/etc/*.conf"]]).merged();
    assert_eq!(merged.origins.get(&path("etc/tool.conf")), Some(&Origin("source:x".to_owned())));
    assert_eq!(over([&[], &[], &["etc"]]).code(), "bad_pattern");
    assert_eq!(case("12").content("x", "/.wh.a", none, &lines).code(), "whiteout_name");
    assert_eq!(case("12").package("a", &["a/", "a/.wh.b = x"]).code(), "whiteout_name");
}

#[test]
fn the_most_specific_rule_decides_what_is_dropped() {
    let lines = [
        "usr/",
        "usr/share/",
        "usr/share/doc/",
        "usr/share/doc/a/",
        "usr/share/doc/a/copyright = c",
        "usr/share/doc/a/changelog.gz = l",
        "usr/share/man/",
        "usr/share/man/man1/",
        "usr/share/man/man1/a.1.gz = m",
        "usr/bin/",
        "usr/bin/a = a",
    ];
    let case = case("12").package("a", &lines);
    let merged = case
        .rule("/usr/share/doc/**", PathRule::Delete)
        .rule("/usr/share/doc/*/copyright", PathRule::Keep)
        .rule("/usr/share/man/**", PathRule::Delete)
        .merged();
    assert_eq!(files(&merged.tree), ["/bin", "/usr/bin/a", "/usr/share/doc/a/copyright"]);
    assert!(merged.tree.get(&path("usr/share/man")).is_none(), "an emptied folder goes too");
    let folder = super::tests::case("12").package("a", &lines);
    let merged = folder.rule("/usr/share", PathRule::Delete).rule("/usr/share/man", PathRule::Keep).merged();
    assert_eq!(files(&merged.tree), ["/bin", "/usr/bin/a", "/usr/share/man/man1/a.1.gz"]);
    let alias = super::tests::case("12").package("a", &lines).rule("/bin/a", PathRule::Delete).merged();
    assert!(alias.tree.get(&path("usr/bin/a")).is_none());
}

#[test]
fn rules_make_files_with_parents_and_owners() {
    let mut case = case("12")
        .package("a", &["etc/", "etc/x = a"])
        .rule("/data", PathRule::Directory { owner: Some("web".into()), group: None, mode: Some(0o750) })
        .rule("/etc/deep/er/file", file("text", Some("web")))
        .rule("/etc/x", file("ours", None))
        .rule("/etc/link", PathRule::Symlink { target: "x".into() });
    let user = User {
        uid: 300,
        gid: 300,
        home: "/data".into(),
        shell: "/sbin/nologin".into(),
        gecos: String::new(),
    };
    case.parameters.users.insert("web".to_owned(), user);
    let merged = case.merged();
    assert_eq!(
        (at(&merged, "data").mode, at(&merged, "data").uid, at(&merged, "data").gid),
        (0o750, 300, 300)
    );
    assert_eq!((at(&merged, "etc/deep/er").mode, at(&merged, "etc/deep/er").uid), (0o755, 0));
    assert_eq!((at(&merged, "etc/deep/er/file").uid, at(&merged, "etc/deep/er/file").mtime), (300, EPOCH));
    assert_eq!(merged.origins.get(&path("etc/x")), Some(&Origin::recipe()));
    let (_, _, sink) = case.run().unwrap();
    let EntryKind::File { digest, .. } = at(&merged, "etc/passwd").kind else { panic!() };
    let passwd = String::from_utf8(sink.blobs[&digest].clone()).unwrap();
    assert_eq!(passwd, "root:x:0:0:root:/root:/usr/sbin/nologin\nweb:x:300:300::/data:/sbin/nologin\n");
    let unknown = super::tests::case("12").rule("/x", file("", Some("rot"))).run().unwrap_err();
    assert_eq!(unknown.help().unwrap().to_string(), "did you mean `root`?");
    assert_eq!(super::tests::case("12").rule("/missing", attrs(None, Some(0o600))).code(), "no_such_path");
    let over = super::tests::case("12").package("a", &["d/"]).rule("/d", file("", None));
    assert_eq!(over.code(), "rule_conflict");
    assert_eq!(super::tests::case("12").rule("/etc/*.x", file("", None)).code(), "bad_pattern");
    assert_eq!(super::tests::case("12").rule("/etc/.wh.x", file("", None)).code(), "whiteout_name");
}

#[test]
fn slices_hold_their_origins_and_the_last_one_the_rest() {
    let mut case = case("12")
        .package("a", &["etc/", "etc/a = a", "etc/empty/", "usr/", "usr/a = a"])
        .package("b", &["etc/", "etc/b = b"])
        .rule("/etc/b", attrs(None, Some(0o600)))
        .rule("/etc/new", file("x", None));
    case.parameters.layers = vec![vec![origin("a")], vec![origin("b")]];
    let merged = case.merged();
    assert_eq!(merged.slices.len(), 3);
    let all = |number: usize| {
        let entries = merged.slices[number].0.entries().iter().map(|entry| entry.path.absolute());
        entries.filter(|path| !path.starts_with("/var")).collect::<Vec<_>>()
    };
    assert_eq!(all(0), ["/etc", "/etc/a", "/etc/empty", "/usr", "/usr/a"]);
    assert!(all(1).is_empty());
    assert_eq!(all(2), ["/etc", "/etc/b", "/etc/new"]);
    assert_eq!(at(&merged, "etc/a").mtime, 7);
    assert_eq!(at(&merged, "etc").mtime, EPOCH);
}

#[test]
fn a_hard_link_group_is_never_split() {
    let mut case = case("12").package("a", &["x = same", "y = same", "z = same"]);
    let mut entries = case.trees[0].0.clone().into_entries();
    for entry in &mut entries {
        let EntryKind::File { link, .. } = &mut entry.kind else { unreachable!() };
        *link = Some(0);
    }
    case.trees[0].0 = Tree::new(entries).unwrap();
    case.parameters.layers = vec![vec![origin("a")]];
    assert_eq!(files(&case.merged().slices[0].0), ["/x", "/y", "/z"]);
    let all = Case {
        parameters: case.parameters.clone(),
        trees: case.trees.clone(),
        contents: MemoryContents { blobs: case.contents.blobs.clone() },
    };
    let merged = all.rule("/*", attrs(None, Some(0o600))).merged();
    assert_eq!(files(&merged.slices[1].0), ["/x", "/y", "/z"]);
    let one = case.rule("/y", attrs(None, Some(0o600))).merged();
    assert!(matches!(at(&one, "x").kind, EntryKind::File { link: None, .. }), "they differ now");
    assert_eq!(files(&one.slices[0].0), ["/x", "/z"]);
}

#[test]
fn dropped_files_leave_the_database() {
    let sums = "md5sums = 0123456789abcdef0123456789abcdef  usr/share/doc/x\n0123456789abcdef0123456789abcdef  bin/a\n";
    let case = case("12").package_with(
        "a",
        "",
        &[sums],
        &["bin/", "bin/a = a", "usr/", "usr/share/", "usr/share/doc/", "usr/share/doc/x = d"],
    );
    let case = case.rule("/usr/share/doc/**", PathRule::Delete);
    let (merged, _, sink) = case.run().unwrap();
    let text = |name: &str| {
        let EntryKind::File { digest, .. } = at(&merged, name).kind else { panic!() };
        String::from_utf8(sink.blobs[&digest].clone()).unwrap()
    };
    assert_eq!(text("var/lib/dpkg/status.d/a.md5sums"), "0123456789abcdef0123456789abcdef  bin/a\n");
    assert!(
        text("var/lib/dpkg/status.d/a")
            .starts_with("Package: a\nStatus: install ok installed\nVersion: 1.0\n")
    );
}

#[test]
fn the_order_of_the_inputs_does_not_matter() {
    let script = "postinst = #!/bin/sh\nadduser --system --group --quiet srv-b\nchmod 1 /x\n";
    let one = case("12")
        .package("base-files", &["etc/"])
        .package_with("b", "", &[script], &["b = 1"])
        .package("a", &["a = 1"]);
    let mut other = case("12")
        .package("a", &["a = 1"])
        .package_with("b", "", &[script], &["b = 1"])
        .package("base-files", &["etc/"]);
    other.parameters.users.clear();
    let (first, warnings, _) = one.run().unwrap();
    let (second, again, _) = other.run().unwrap();
    assert_eq!(first.tree.encode(), second.tree.encode());
    assert_eq!(first.origins.encode(), second.origins.encode());
    assert_eq!(warnings, again);
    assert_eq!(warnings, ["the postinst of b runs chmod; its effects are not in the image"]);
}

#[test]
fn accounts_that_contradict_each_other_are_refused() {
    let user = |uid, gid| User { uid, gid, home: "/".into(), shell: "/x".into(), gecos: String::new() };
    let mut same = case("12");
    same.parameters.users.insert("one".into(), user(5, 5));
    same.parameters.users.insert("two".into(), user(5, 5));
    assert_eq!(same.code(), "account_conflict");
    let mut bad = case("12");
    bad.parameters.users.insert("a:b".into(), user(5, 5));
    assert_eq!(bad.code(), "bad_account");
    let mut unknown = case("12");
    unknown.parameters.effects.insert("tzdata".into(), vec!["timezone".into()]);
    assert_eq!(unknown.code(), "unknown_effect");
}
