//! Commands in the scheduler: their order, their memory, and what a failure of one does to the others. Nothing is
//! executed: the builder is one of this test's.

mod synthetic;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hbuild::exec::{ExecError, Options, Unobserved};
use hbuild::graph::{Derivation, Graph};
use hbuild::store::{Store, Usage};
use miette::Diagnostic;
use synthetic::{Counts, Synthetic, command, leaf, node, run};

/// `length` commands, one after the other, over `first`.
fn chain(graph: &mut Graph, name: &str, first: &Derivation, length: usize) -> Vec<Derivation> {
    let mut all: Vec<Derivation> = Vec::new();
    for number in 0..length {
        let next = command(&format!("{name} {number}"), &[all.last().unwrap_or(first)]);
        graph.add(next.clone()).unwrap();
        all.push(next);
    }
    graph.add_root(all.last().unwrap().id());
    all
}

fn root(graph: &mut Graph) -> Derivation {
    let part = leaf("part");
    let root = node("root", &[&part]);
    graph.add(part).unwrap();
    graph.add(root.clone()).unwrap();
    root
}

#[test]
fn a_long_chain_is_not_kept_waiting_by_many_short_ones() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let mut graph = Graph::new();
    let root = root(&mut graph);
    for number in 0..10 {
        chain(&mut graph, &format!("short {number}"), &root, 1);
    }
    chain(&mut graph, "long", &root, 10);
    let builder = Synthetic { pause: Duration::from_millis(40), ..Synthetic::default() };
    let options = Options { jobs: 2, ..Options::default() };
    let started = Instant::now();
    run(&graph, &store, &builder, &options, &Unobserved).unwrap();
    let took = started.elapsed();
    eprintln!("{took:?}");
    // Leaf, root, then 20 commands on two jobs: 12 times 40 ms is the best there is, and 17 times what comes of
    // beginning with the short ones.
    assert!(took < Duration::from_millis(40 * 15), "{took:?}");
    assert_eq!(builder.most_at_once.load(Ordering::SeqCst), 2);
}

#[test]
fn what_took_long_the_last_time_comes_first() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let mut graph = Graph::new();
    let root = root(&mut graph);
    for (name, seconds) in [("short", 2), ("middle", 20), ("long", 200)] {
        let usage = Usage { wall_ms: seconds * 1000, ..Usage::default() };
        store.note_usage(&format!("command {name} 0"), &usage).unwrap();
        chain(&mut graph, name, &root, 1);
    }
    let counts = Counts::default();
    let options = Options { jobs: 1, ..Options::default() };
    run(&graph, &store, &Synthetic::default(), &options, &counts).unwrap();
    let order = counts.order.lock().unwrap();
    assert_eq!(order[2..], ["command long 0", "command middle 0", "command short 0"]);
}

#[test]
fn commands_share_the_memory_and_a_large_one_gets_its_turn() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let mut graph = Graph::new();
    let root = root(&mut graph);
    let note = |name: &str, wall_ms: u64, peak_memory: u64| {
        let usage = Usage { wall_ms, peak_memory, ..Usage::default() };
        store.note_usage(&format!("command {name} 0"), &usage).unwrap();
    };
    // The large one is neither the first nor the last by time.
    for number in 0..8 {
        let name = format!("small {number}");
        note(&name, if number < 4 { 90_000 } else { 10_000 }, 300 << 20);
        chain(&mut graph, &name, &root, 1);
    }
    note("large", 50_000, 900 << 20);
    note("huge", 5_000, 9000 << 20);
    chain(&mut graph, "large", &root, 1);
    chain(&mut graph, "huge", &root, 1);
    let builder = Synthetic { pause: Duration::from_millis(10), ..Synthetic::default() };
    let options = Options { jobs: 4, memory: Some(1000 << 20), ..Options::default() };
    let counts = Counts::default();
    run(&graph, &store, &builder, &options, &counts).unwrap();
    let running = builder.running.lock().unwrap();
    let large = |label: &String| label.contains("large") || label.contains("huge");
    for at_once in &running.1 {
        assert!(at_once.len() <= 3, "{at_once:?}");
        assert!(at_once.len() == 1 || !at_once.iter().any(large), "{at_once:?}");
    }
    assert!(running.1.iter().any(|at_once| at_once.len() == 3));
    let order = counts.order.lock().unwrap();
    assert_eq!(order.iter().position(|label| label == "command large 0"), Some(2 + 4), "{order:?}");
    assert_eq!(order.last().unwrap(), "command huge 0");
}

/// Two chains of which one breaks, and an end over both.
fn breaking(graph: &mut Graph) -> (Vec<Derivation>, Vec<Derivation>, Derivation) {
    let root = root(graph);
    let good = chain(graph, "good", &root, 4);
    let bad = chain(graph, "bad", &root, 4);
    let other = chain(graph, "other", &root, 2);
    let end = node("end", &[&good[3], &bad[3], &other[1]]);
    let id = graph.add(end.clone()).unwrap();
    graph.add_root(id);
    (good, bad, end)
}

#[test]
fn keep_going_makes_all_that_does_not_need_what_failed() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let mut graph = Graph::new();
    let (good, bad, end) = breaking(&mut graph);
    let failing = vec!["command bad 1".to_owned(), "command other 0".to_owned()];
    let builder = Synthetic { failing, pause: Duration::from_millis(2), ..Synthetic::default() };
    let options = Options { jobs: 2, keep_going: true, ..Options::default() };
    let error = run(&graph, &store, &builder, &options, &Unobserved).unwrap_err();
    let ExecError::Several(failures) = &error else { panic!("{error:?}") };
    let mut labels: Vec<_> = failures.failures.iter().map(|failure| failure.label.as_str()).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["command bad 1", "command other 0"]);
    assert_eq!(failures.left_out, 4, "bad 2 and 3, other 1, end");
    assert_eq!(error.code().unwrap().to_string(), "hbuild::test::broken");
    assert_eq!(error.related().unwrap().count(), 2);
    assert!(good.iter().all(|derivation| store.recall(&derivation.id()).is_some()));
    assert!(store.recall(&bad[0].id()).is_some());
    assert!(store.recall(&end.id()).is_none());
    let builder = Synthetic::default();
    run(&graph, &store, &builder, &options, &Unobserved).unwrap();
    assert_eq!(builder.count(), 3 + 2 + 1, "bad 1 to 3, other 0 and 1, end");
}

#[test]
fn one_failure_of_a_run_that_goes_on_is_that_failure() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let mut graph = Graph::new();
    breaking(&mut graph);
    let builder = Synthetic { failing: vec!["command bad 3".to_owned()], ..Synthetic::default() };
    let options = Options { jobs: 2, keep_going: true, ..Options::default() };
    let error = run(&graph, &store, &builder, &options, &Unobserved).unwrap_err();
    assert!(matches!(&error, ExecError::Failed(failure) if failure.label == "command bad 3"), "{error:?}");
}

#[test]
fn without_keep_going_the_others_are_stopped() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let mut graph = Graph::new();
    let root = root(&mut graph);
    chain(&mut graph, "slow", &root, 1);
    chain(&mut graph, "bad", &root, 1);
    struct Slow(Synthetic);
    impl hbuild::exec::Builder for Slow {
        fn build(
            &self,
            derivation: &Derivation,
            context: &dyn hbuild::exec::BuildContext,
        ) -> Result<hbuild::exec::BuildOutputs, hbuild::exec::BuildError> {
            while derivation.label.contains("slow") && !context.cancelled() {
                std::thread::sleep(Duration::from_millis(1));
            }
            self.0.build(derivation, context)
        }
    }
    let synthetic = Synthetic::default();
    let builder = Slow(Synthetic { failing: vec!["command bad 0".to_owned()], ..Synthetic::default() });
    let builders = hbuild::exec::Builders::new()
        .with(hbuild::exec::ActionKind::Fetch, &synthetic)
        .with(hbuild::exec::ActionKind::Unpack, &synthetic)
        .with(hbuild::exec::ActionKind::Exec, &builder);
    let options = Options { jobs: 2, ..Options::default() };
    let error = hbuild::exec::execute(&graph, graph.roots(), &store, &builders, &options, &Unobserved);
    let error = error.unwrap_err();
    assert!(matches!(&error, ExecError::Failed(failure) if failure.label == "command bad 0"), "{error:?}");
}

#[test]
fn a_command_refers_to_the_pack_of_its_own_files_alone() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let mut graph = Graph::new();
    let root = root(&mut graph);
    let last = chain(&mut graph, "long", &root, 5).pop().unwrap();
    let records = run(&graph, &store, &Synthetic::default(), &Options::default(), &Unobserved).unwrap();
    let record = &records[&last.id()];
    assert_eq!(record.references, [record.outputs[hbuild::graph::outputs::PACK].digest]);
}

#[test]
fn another_root_that_is_projected_to_the_same_tree_executes_nothing() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let build = |version: &str| {
        let mut graph = Graph::new();
        let (part, last) = (leaf("part"), leaf("other part"));
        // Blind nodes do not show their parameter, as a projection does not show an owner.
        let package = node(&format!("package {version}"), &[&part]);
        let root = node("projection", &[&package]);
        let end = command("build", &[&root, &last]);
        for derivation in [&part, &last, &package, &root, &end] {
            graph.add(derivation.clone()).unwrap();
        }
        graph.add_root(end.id());
        let builder = Synthetic { blind: true, ..Synthetic::default() };
        run(&graph, &store, &builder, &Options::default(), &Unobserved).unwrap();
        let executed = builder.executed.lock().unwrap();
        executed.keys().filter(|label| !label.starts_with("leaf")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(build("1"), ["command build", "node package 1", "node projection"]);
    assert_eq!(build("2"), ["node package 2"]);
    assert_eq!(build("2"), [""; 0]);
}
