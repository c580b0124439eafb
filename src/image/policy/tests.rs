use hbuild_lang::recipe::{Arch, Family, Place};
use miette::Diagnostic as _;

use super::*;
use crate::exec::MemoryContext;
use crate::graph::{DerivationId, Input};
use crate::image::elf::{ElfFile, ElfKind, ElfProblem, Hardening, Relro};
use crate::tree::{Entry, EntryKind, Origin};

fn path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes()).unwrap()
}

fn waiver(rule: &str, paths: &[&str]) -> Waiver {
    Waiver {
        rule: rule.into(),
        paths: paths.iter().map(|path| path.to_string()).collect(),
        because: format!("{rule} is needed"),
        place: Place { file: "hello.hb".into(), line: 7, column: 3 },
    }
}

/// An image that breaks every rule once.
fn broken(context: &MemoryContext) -> (Tree, OriginMap, ElfReport) {
    let file = |name: &str, bytes: &[u8], mode| {
        Entry::file(path(name), context.keep_content(bytes), bytes.len() as u64, mode, 0)
    };
    let mut capable = file("usr/bin/ping", b"p", 0o755);
    capable.xattrs.insert(b"security.capability".to_vec(), vec![1]);
    let mut shared = Entry::directory(path("srv/shared"), 0);
    shared.mode = 0o777;
    let mut sticky = Entry::directory(path("tmp"), 0);
    sticky.mode = 0o1777;
    let tree = Tree::new(vec![
        file("usr/bin/dash", b"d", 0o755),
        Entry::symlink(path("usr/bin/sh"), "dash", 0),
        Entry::symlink(path("bin"), "usr/bin", 0),
        file("usr/share/doc/bash", b"no program", 0o644),
        Entry::symlink(path("usr/bin/zsh"), "/nowhere", 0),
        file("usr/bin/apt-get", b"a", 0o755),
        file("usr/bin/su", b"s", 0o4755),
        capable,
        file("etc/open", b"o", 0o666),
        shared,
        sticky,
        file("etc/ssl/private/key.pem", b"-----BEGIN PRIVATE KEY-----\n", 0o600),
        file("etc/ssl/certs/a.pem", b"-----BEGIN CERTIFICATE-----\n", 0o644),
        file("usr/local/bin/own", b"e", 0o755),
    ])
    .unwrap();
    let package = Origin("deb:all=1:amd64".into());
    let mut origins = OriginMap::uniform(tree.entries().iter().map(|entry| entry.path.clone()), &package);
    origins.insert(path("usr/local/bin/own"), Origin("source:own".into()));
    let weak = |name: &str| ElfFile {
        path: path(name),
        kind: ElfKind::Executable,
        soname: None,
        interpreter: Some(crate::image::elf::ElfLink { name: "/x".into(), path: None }),
        needed: vec![],
        dlopen: vec![],
        rpath: vec!["/build/lib".into()],
        runpath: vec![],
        hardening: Hardening {
            relro: Relro::None,
            bind_now: false,
            executable_stack: true,
            stack_protector: false,
            text_relocations: true,
        },
    };
    let problem = |rule: &str| ElfProblem {
        path: path("usr/local/bin/own"),
        rule: rule.into(),
        detail: "is wrong".into(),
    };
    let elf = ElfReport {
        schema: 1,
        arch: Arch::Amd64,
        family: Family::Debian,
        files: vec![weak("usr/bin/su"), weak("usr/local/bin/own")],
        problems: ["elf-arch", "elf-dlopen", "elf-interpreter", "elf-library"].map(problem).to_vec(),
        not_proven: vec![],
    };
    (tree, origins, elf)
}

fn outcome(flavor: Flavor, waivers: &[Waiver]) -> Result<PolicyReport, PolicyError> {
    let context = MemoryContext::default();
    let (tree, origins, elf) = broken(&context);
    let contents = context.contents();
    let user = "0:0";
    check(PolicyInput { flavor, user, waivers, tree: &tree, origins: &origins, contents, elf: &elf }).unwrap()
}

fn rules(breaks: &[Finding]) -> Vec<String> {
    breaks.iter().map(|found| format!("{} {}", found.rule, found.place()).trim().to_owned()).collect()
}

#[test]
fn every_break_is_listed_with_what_to_paste() {
    let Err(error) = outcome(Flavor::Runtime, &[]) else { panic!("the policy is broken") };
    let PolicyError::Broken { breaks } = &error else { panic!("{error}") };
    assert_eq!(
        rules(breaks),
        [
            "elf-arch /usr/local/bin/own",
            "elf-dlopen /usr/local/bin/own",
            "elf-exec-stack /usr/bin/su",
            "elf-exec-stack /usr/local/bin/own",
            "elf-interpreter /usr/local/bin/own",
            "elf-library /usr/local/bin/own",
            "elf-pie /usr/local/bin/own",
            "elf-relro /usr/local/bin/own",
            "elf-rpath /usr/bin/su",
            "elf-rpath /usr/local/bin/own",
            "elf-text-relocations /usr/local/bin/own",
            "package-manager /usr/bin/apt-get",
            "root-user",
            "secret-file /etc/ssl/private/key.pem",
            "setuid /usr/bin/ping",
            "setuid /usr/bin/su",
            "shell /usr/bin/dash",
            "shell /usr/bin/sh",
            "world-writable /etc/open",
            "world-writable /srv/shared",
        ]
    );
    let text = error.to_string();
    assert!(text.starts_with(
        "the image breaks the policy in 20 places:\n  elf-arch: /usr/local/bin/own (source:own)"
    ));
    let help = error.help().unwrap().to_string();
    let waiver = r#"waive shell { paths = ["/usr/bin/dash", "/usr/bin/sh"], because = "…" }"#;
    assert!(help.contains(waiver), "{help}");
    assert!(help.contains("waive root-user { because = \"…\" }"), "{help}");
    assert_eq!(error.code().unwrap().to_string(), "hbuild::policy::broken");
}

#[test]
fn dev_may_have_a_shell_and_root() {
    let Err(PolicyError::Broken { breaks }) = outcome(Flavor::Dev, &[]) else { panic!() };
    for rule in ["shell", "package-manager", "setuid", "root-user"] {
        assert!(breaks.iter().all(|found| found.rule != rule), "{rule}");
    }
    assert!(breaks.iter().any(|found| found.rule == "elf-library"));
}

#[test]
fn waivers_cover_what_they_name_and_idle_ones_are_told() {
    let mut waivers: Vec<Waiver> = super::super::RULES.iter().map(|rule| waiver(rule.code, &[])).collect();
    let shell = waivers.iter_mut().find(|waiver| waiver.rule == "shell").unwrap();
    shell.paths = vec!["/usr/bin/*".into(), "/opt/**".into()];
    let report = outcome(Flavor::Runtime, &waivers).unwrap();
    assert_eq!(report.waived.len(), 24);
    assert!(report.waived.iter().all(|covered| covered.because.ends_with("is needed")));
    assert!(report.reported.is_empty());
    let idle: Vec<_> = report.unused_waivers.iter().map(|unused| unused.glob.as_deref()).collect();
    assert_eq!(idle, [Some("/opt/**")]);
    let Err(PolicyError::Broken { breaks }) = outcome(Flavor::Runtime, &[waiver("shell", &["/usr/*"])])
    else {
        panic!("`*` matches no slash")
    };
    assert!(breaks.iter().any(|found| found.rule == "shell"));
}

#[test]
fn waivers_of_no_rule_or_with_a_bad_glob_are_errors() {
    assert!(matches!(outcome(Flavor::Dev, &[waiver("shel", &[])]), Err(PolicyError::UnknownRule { .. })));
    assert!(matches!(outcome(Flavor::Dev, &[waiver("shell", &["/a["])]), Err(PolicyError::Glob { .. })));
}

#[test]
fn the_builder_resolves_the_user_and_warns() {
    let mut context = MemoryContext::default();
    let passwd = b"web:x:33:34::/:/sbin/nologin\n";
    let entry = Entry::file(path("etc/passwd"), context.keep_content(passwd), passwd.len() as u64, 0o644, 0);
    assert!(matches!(entry.kind, EntryKind::File { .. }));
    let tree = Tree::new(vec![entry]).unwrap();
    let report = ElfReport {
        schema: 1,
        arch: Arch::Amd64,
        family: Family::Debian,
        files: vec![],
        problems: vec![],
        not_proven: vec![],
    };
    let merge = BTreeMap::from([
        (outputs::ORIGINS.to_owned(), context.put_origins(OriginMap::default()).unwrap()),
        (outputs::TREE.to_owned(), context.put_tree(tree).unwrap()),
    ]);
    let elf = BTreeMap::from([(outputs::DOCUMENT.to_owned(), context.put(&to_canonical(&report)).unwrap())]);
    let inputs = [&merge, &elf].map(|outputs| Input {
        derivation: DerivationId(crate::digest::Digest::of(b"")),
        outputs: outputs.keys().cloned().collect(),
    });
    context.inputs = vec![merge, elf];
    let waivers = vec![waiver("setuid", &[])];
    let evidence = Evidence::Policy { flavor: Flavor::Runtime, user: "web".into(), waivers };
    let action = Action::Evidence(Box::new(evidence));
    let derivation = Derivation { label: "policy".into(), action, inputs: inputs.to_vec() };
    let made = PolicyBuilder.build(&derivation, &context).unwrap();
    let report: PolicyReport =
        serde_json::from_slice(&context.bytes(made[outputs::DOCUMENT]).unwrap()).unwrap();
    assert_eq!(report.user, "33:34");
    assert_eq!(context.warnings(), ["nothing needs the waiver of setuid"]);
}
