use std::collections::BTreeMap;
use std::io::Write;

use hbuild_lang::recipe::Arch;

use super::*;
use crate::exec::{MemoryContext, OutputEntry, OutputSink};
use crate::graph::{Input, environment};
use crate::store::{Applied, Usage};
use crate::tree::{Entry, EntryKind, Tree, TreePath};

const EPOCH: i64 = 315_532_800;

/// Gives what its function gives.
struct Fake<F>(F);

impl<F> Executor for Fake<F>
where
    F: Fn(&mut (dyn Write + Send), &mut dyn OutputSink) -> Result<(), ExecutionError> + Sync,
{
    fn execute(
        &self,
        execution: &Execution<'_>,
        log: &mut (dyn Write + Send),
        outputs: &mut dyn OutputSink,
    ) -> Result<Executed, ExecutionError> {
        assert_eq!(execution.root.1.entries().len(), 1);
        assert_eq!(execution.sources.len(), 1);
        (self.0)(log, outputs)?;
        let usage = Usage { wall_ms: 3, ..Usage::default() };
        Ok(Executed { sandbox: Applied { user: "1000:1000".into(), ..Applied::default() }, usage })
    }
}

fn derivation(further: &[&str]) -> Derivation {
    let outputs: Vec<String> = further.iter().map(|&name| name.to_owned()).collect();
    let exec = Exec {
        arch: Arch::Amd64,
        shell: vec!["/bin/sh".into(), "-euc".into()],
        steps: Vec::new(),
        env: environment(EPOCH, &outputs),
        sources: vec!["/build/src/x".into()],
        outputs,
        epoch: EPOCH,
        loopback: false,
    };
    let input = || Input {
        derivation: crate::graph::DerivationId(crate::digest::Digest::of(b"x")),
        outputs: vec![outputs::TREE.to_owned()],
    };
    Derivation {
        label: "exec x".into(),
        action: Action::Exec(Box::new(exec)),
        inputs: vec![input(), input()],
    }
}

fn context() -> MemoryContext {
    let mut context = MemoryContext::default();
    let tree = Tree::new(vec![Entry::directory(TreePath::new(b"usr").unwrap(), EPOCH)]).unwrap();
    let object = context.put_tree(tree).unwrap();
    let input = BTreeMap::from([(outputs::TREE.to_owned(), object)]);
    context.inputs = vec![input.clone(), input];
    context
}

/// What the builder makes of an execution.
fn build(
    context: &MemoryContext,
    further: &[&str],
    execute: impl Fn(&mut (dyn Write + Send), &mut dyn OutputSink) -> Result<(), ExecutionError> + Sync,
) -> Result<BuildOutputs, BuildError> {
    ExecBuilder { executor: &Fake(execute) }.build(&derivation(further), context)
}

fn file(
    sink: &mut dyn OutputSink,
    at: (usize, &[u8]),
    mode: u16,
    bytes: &[u8],
) -> Result<(), ExecutionError> {
    let mut content = bytes;
    let entry = OutputEntry::File { mode, size: bytes.len() as u64, content: &mut content };
    sink.entry(at.0, at.1, entry).map_err(ExecutionError::Output)
}

fn code(error: &BuildError) -> String {
    match error {
        BuildError::Action(error) => error.code().unwrap().to_string(),
        error => panic!("{error:?}"),
    }
}

#[test]
fn outputs_become_exec_trees_a_pack_and_a_log() {
    let context = context();
    let made = build(&context, &["doc"], |log, sink| {
        log.write_all(b"compiling\n").unwrap();
        sink.entry(0, b"usr", OutputEntry::Directory).map_err(ExecutionError::Output)?;
        file(sink, (0, b"usr/a"), 0o640, b"content")?;
        file(sink, (0, b"usr/b"), 0o4711, b"content")?;
        file(sink, (0, b"usr/empty"), 0o600, b"")?;
        file(sink, (0, b"usr/line\nend\xff"), 0o600, b"bytes")?;
        let link = OutputEntry::Symlink { target: b"/usr/a" };
        sink.entry(0, b"usr/link", link).map_err(ExecutionError::Output)?;
        file(sink, (1, b"manual"), 0o600, b"text")
    })
    .unwrap();
    assert_eq!(made.keys().collect::<Vec<_>>(), ["doc.tree", "log", "pack", "tree"]);
    let tree = context.decode_tree(made["tree"]).unwrap();
    assert_eq!(tree.to_exec(EPOCH), tree);
    let entry = |path: &[u8]| tree.get(&TreePath::new(path).unwrap()).unwrap();
    assert_eq!((entry(b"usr/a").mode, entry(b"usr/b").mode), (0o644, 0o755));
    assert_eq!(entry(b"usr/line\nend\xff").mode, 0o644);
    assert!(matches!(&entry(b"usr/link").kind, EntryKind::Symlink { target } if target == b"../usr/a"));
    let EntryKind::File { digest, size: 7, .. } = entry(b"usr/a").kind else { panic!("a file of 7 bytes") };
    assert_eq!(context.contents().read(&digest).unwrap(), b"content");
    assert!(matches!(entry(b"usr/empty").kind, EntryKind::File { size: 0, .. }));
    assert_eq!(context.decode_tree(made["doc.tree"]).unwrap().entries().len(), 1);
    assert_eq!(context.bytes(made["log"]).unwrap(), b"compiling\n");
    assert_eq!(context.log().unwrap(), b"compiling\n");
    let execution = context.execution().unwrap();
    assert_eq!((execution.platform.as_str(), execution.usage.wall_ms), ("linux/amd64", 3));
    assert_eq!(execution.log, Some(Sha256::of(b"compiling\n")));
    let warnings = context.warnings();
    assert!(warnings.len() == 1 && warnings[0].starts_with("/out/usr/b is setuid no more"), "{warnings:?}");
}

#[test]
fn without_content_and_words_there_is_a_tree_alone() {
    let context = context();
    let made = build(&context, &[], |_, sink| file(sink, (0, b"empty"), 0o600, b"")).unwrap();
    assert_eq!(made.keys().collect::<Vec<_>>(), ["tree"]);
    assert_eq!(context.log(), None);
    assert_eq!(context.execution().unwrap().log, None);
}

#[test]
fn a_failed_step_tells_its_last_lines_and_keeps_all() {
    let context = context();
    let error = build(&context, &[], |log, _| {
        log.write_all(b"cc x.c\nx.c:1: error").unwrap();
        Err(ExecutionError::Step { step: "build".into(), how: "exited with status 2".into() })
    })
    .unwrap_err();
    assert_eq!(code(&error), "hbuild::exec::step_failed");
    assert_eq!(
        error.to_string(),
        "step `build` exited with status 2; the last lines it wrote:\n| cc x.c\n| x.c:1: error"
    );
    let log = String::from_utf8(context.log().unwrap()).unwrap();
    assert_eq!(log, "cc x.c\nx.c:1: error\nhbuild: step `build` exited with status 2\n");
    assert!(context.execution().is_none());
}

#[test]
fn what_no_output_can_be_is_named() {
    let context = context();
    let error = build(&context, &["doc"], |_, _| Ok(())).unwrap_err();
    assert_eq!(code(&error), "hbuild::exec::no_output");
    assert!(build(&context, &["doc"], |_, sink| file(sink, (1, b"x"), 0o600, b"")).is_ok());
    let error = build(&context, &[], |_, sink| {
        sink.entry(0, b"run/\xff\n", OutputEntry::Other("a socket")).map_err(ExecutionError::Output)
    });
    let error = error.unwrap_err();
    assert_eq!(code(&error), "hbuild::exec::special_output");
    assert_eq!(error.to_string(), r"the build made a socket: `/out/run/\xff\n`");
    for path in [&b"../x"[..], b"/x", b"a/../b", b"a\0", b""] {
        let error = build(&context, &[], |_, sink| file(sink, (0, path), 0o600, b"")).unwrap_err();
        assert_eq!(code(&error), "hbuild::exec::bad_output");
    }
    let twice = |_: &mut (dyn Write + Send), sink: &mut dyn OutputSink| {
        file(sink, (0, b"x"), 0o600, b"")?;
        file(sink, (0, b"x"), 0o600, b"")
    };
    assert_eq!(code(&build(&context, &[], twice).unwrap_err()), "hbuild::exec::bad_output");
}

#[test]
fn debris_is_taken_out_or_named() {
    let context = context();
    let made = build(&context, &[], |_, sink| {
        file(sink, (0, b"a.gz"), 0o644, b"\x1f\x8b\x08\0time\0\x03rest")?;
        file(sink, (0, b"lib.la"), 0o644, b"# libtool")?;
        sink.entry(0, b"link", OutputEntry::Symlink { target: b"/out/a.gz" }).map_err(ExecutionError::Output)
    })
    .unwrap();
    let tree = context.decode_tree(made["tree"]).unwrap();
    let EntryKind::File { digest, .. } = tree.entries()[0].kind else { panic!("a file") };
    assert_eq!(context.contents().read(&digest).unwrap(), b"\x1f\x8b\x08\0\0\0\0\0\0\x03rest");
    let warnings = context.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("/out/lib.la: a libtool archive"));
    assert!(warnings[1].starts_with("/out/link leads to /out/a.gz"));
}
