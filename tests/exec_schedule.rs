//! The scheduler: what is executed, what is found, and how it ends.

mod synthetic;

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hbuild::exec::{ExecError, Options, Unobserved};
use hbuild::graph::{Graph, outputs};
use hbuild::store::Store;
use miette::Diagnostic;
use synthetic::{Counts, Synthetic, leaf, node, run, run_at, wide};

fn files_below(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path().to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn a_second_run_looks_at_the_roots_alone() {
    let folder = synthetic::folder();
    let mut graph = Graph::new();
    wide(&mut graph, "a", 6, 3);
    let builder = Synthetic::default();
    let (ends, first) = run_at(folder.path(), &graph, &builder);
    assert_eq!(ends, [0, 0, 25]);
    let (ends, second) = run_at(folder.path(), &graph, &builder);
    assert_eq!(ends, [1, 0, 0]);
    assert_eq!(first, second);
    assert_eq!(builder.count(), 25);
    assert_eq!(files_below(&folder.path().join("tmp")), [""; 0]);
    assert_eq!(files_below(&folder.path().join("locks")), [""; 0]);
}

#[test]
fn the_number_of_jobs_leaves_no_trace() {
    let mut graph = Graph::new();
    wide(&mut graph, "a", 9, 2);
    let results = [1, 2, 7].map(|jobs| {
        let folder = synthetic::folder();
        let store = Store::open(folder.path()).unwrap();
        let builder = Synthetic { pause: Duration::from_millis(3), ..Synthetic::default() };
        let options = Options { jobs, fetches: 3, ..Options::default() };
        let records = run(&graph, &store, &builder, &options, &Unobserved).unwrap();
        assert!(builder.most_at_once.load(Ordering::SeqCst) <= jobs + 3);
        records
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

#[test]
fn a_changed_parameter_is_seen_and_only_what_depends_on_it_is_made_again() {
    let folder = synthetic::folder();
    let build = |middle: &str| {
        let mut graph = Graph::new();
        let parts = [leaf("a"), leaf("b")];
        let nodes = [node("one", &[&parts[0]]), node(middle, &[&parts[1]])];
        let end = node("end", &[&nodes[0], &nodes[1]]);
        for derivation in parts.iter().chain(&nodes).chain([&end]) {
            graph.add(derivation.clone()).unwrap();
        }
        graph.add_root(end.id());
        let (ends, records) = run_at(folder.path(), &graph, &Synthetic::default());
        (ends, records[&end.id()].outputs[outputs::TREE])
    };
    let (ends, first) = build("two");
    assert_eq!(ends, [0, 0, 5]);
    let (ends, second) = build("three");
    assert_eq!(ends, [2, 0, 2], "leaf b and node one come from the memo");
    assert_ne!(first, second);
    assert_eq!(build("two"), ([1, 0, 0], first));
}

#[test]
fn an_output_that_stays_the_same_cuts_the_rest_off() {
    let folder = synthetic::folder();
    let build = |name: &str| {
        let mut graph = Graph::new();
        let part = leaf("a");
        let middle = node(name, &[&part]);
        let last = node("last", &[&middle]);
        for derivation in [&part, &middle, &last] {
            graph.add(derivation.clone()).unwrap();
        }
        graph.add_root(last.id());
        run_at(folder.path(), &graph, &Synthetic { blind: true, ..Synthetic::default() }).0
    };
    assert_eq!(build("one"), [0, 0, 3]);
    assert_eq!(build("two"), [1, 1, 1], "the middle is made, the last has a record of the same key");
    assert_eq!(build("two"), [1, 0, 0], "which its derivation id is a name of now");
}

#[test]
fn a_failure_names_its_derivation_and_leaves_its_log_alone() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let mut graph = Graph::new();
    let root = wide(&mut graph, "a", 8, 2);
    let broken = node("a-3-0", &[&leaf("a-3")]);
    let builder = Synthetic { failing: vec!["node a-3-0".into()], ..Synthetic::default() };
    let counts = Counts::default();
    let options = Options { jobs: 2, ..Options::default() };
    let error = run(&graph, &store, &builder, &options, &counts).unwrap_err();
    assert!(matches!(&error, ExecError::Failed(failure) if failure.label == "node a-3-0"), "{error:?}");
    assert_eq!(error.code().unwrap().to_string(), "hbuild::test::broken");
    assert_eq!(error.help().unwrap().to_string(), "do not break it");
    assert_eq!(*counts.failed.lock().unwrap(), ["node a-3-0"]);
    let log = String::from_utf8(store.log(&broken.id()).unwrap().unwrap()).unwrap();
    assert!(log.contains("node a-3-0") && log.contains("broken on purpose"), "{log}");
    assert_eq!(store.recall(&root), None);
    assert_eq!(store.recall(&broken.id()), None);
    drop(store);
    assert_eq!(files_below(&folder.path().join("tmp")), [""; 0]);
    assert_eq!(files_below(&folder.path().join("locks")), [""; 0]);
    let (_, records) = run_at(folder.path(), &graph, &Synthetic::default());
    let elsewhere = synthetic::folder();
    assert_eq!(records, run_at(elsewhere.path(), &graph, &Synthetic::default()).1);
}

#[test]
fn cancelling_stops_at_once_and_leaves_nothing() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let mut graph = Graph::new();
    wide(&mut graph, "a", 50, 2);
    let builder = Synthetic { pause: Duration::from_secs(2), ..Synthetic::default() };
    let options = Options { jobs: 2, ..Options::default() };
    let cancel = options.cancel.clone();
    let stopped = std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(150));
            cancel.store(true, Ordering::Relaxed);
            Instant::now()
        });
        let error = run(&graph, &store, &builder, &options, &Unobserved).unwrap_err();
        assert!(matches!(error, ExecError::Cancelled), "{error:?}");
        thread.join().unwrap().elapsed()
    });
    eprintln!("stopped after {stopped:?}");
    // About 20 ms on an idle machine.
    assert!(stopped < Duration::from_millis(500), "{stopped:?}");
    drop(store);
    assert_eq!(files_below(&folder.path().join("tmp")), [""; 0]);
    assert_eq!(files_below(&folder.path().join("objects")), [""; 0]);
}

#[test]
fn a_panic_is_a_defect_and_not_a_hang() {
    struct Panics;
    impl hbuild::exec::Builder for Panics {
        fn build(
            &self,
            _: &hbuild::graph::Derivation,
            _: &dyn hbuild::exec::BuildContext,
        ) -> Result<hbuild::exec::BuildOutputs, hbuild::exec::BuildError> {
            panic!("on purpose")
        }
    }
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let mut graph = Graph::new();
    let id = graph.add(leaf("a")).unwrap();
    let builders = hbuild::exec::Builders::new().with(hbuild::exec::ActionKind::Fetch, &Panics);
    let options = Options::default();
    let error = hbuild::exec::execute(&graph, &[id], &store, &builders, &options, &Unobserved).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), "hbuild::exec::defect");
}

#[test]
fn larger_packages_are_worked_on_first() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let mut graph = Graph::new();
    for (name, size) in [("small", 10), ("huge", 1 << 30), ("middle", 1 << 20)] {
        let mut part = leaf(name);
        if let hbuild::graph::Action::Fetch(fetch) = &mut part.action {
            fetch.size = Some(size);
        }
        let end = node(name, &[&part]);
        graph.add(part).unwrap();
        let id = graph.add(end).unwrap();
        graph.add_root(id);
    }
    let counts = Counts::default();
    let options = Options { jobs: 1, fetches: 1, ..Options::default() };
    run(&graph, &store, &Synthetic::default(), &options, &counts).unwrap();
    let order = counts.order.lock().unwrap();
    let of = |kind: &str| -> Vec<String> {
        order.iter().filter_map(|label| label.strip_prefix(kind).map(str::to_owned)).collect()
    };
    assert_eq!(of("leaf "), ["huge", "middle", "small"]);
}

#[test]
fn a_pack_that_is_lost_is_made_again_for_who_needs_it() {
    let folder = synthetic::folder();
    let build = |last: &str| {
        let mut graph = Graph::new();
        let part = leaf("a");
        let first = node("first", &[&part]);
        let second = node("second", &[&first]);
        let end = node(last, &[&second]);
        for derivation in [&part, &first, &second, &end] {
            graph.add(derivation.clone()).unwrap();
        }
        graph.add_root(end.id());
        let (ends, records) = run_at(folder.path(), &graph, &Synthetic::default());
        let first = Store::open(folder.path()).unwrap().recall(&first.id()).unwrap();
        (ends, records[&end.id()].outputs.clone(), first.outputs[outputs::PACK])
    };
    let (ends, one, pack) = build("end");
    assert_eq!(ends, [0, 0, 4]);
    let store = Store::open(folder.path()).unwrap();
    fs::remove_file(store.path(&pack.digest).unwrap()).unwrap();
    // `second` is remembered with its outputs, but its tree refers to the pack of `first`.
    let (ends, other, again) = build("other end");
    assert_eq!(again, pack);
    assert_ne!(one, other);
    assert_eq!(ends[2], 2, "`first` and the new end: {ends:?}");
}

#[test]
fn what_two_derivations_make_alike_is_made_once() {
    let folder = synthetic::folder();
    let mut graph = Graph::new();
    let part = leaf("a");
    graph.add(part.clone()).unwrap();
    let ends: Vec<_> = (0..2)
        .map(|number| {
            let middle = node(&format!("middle {number}"), &[&part]);
            let end = node("end", &[&middle]);
            graph.add(middle).unwrap();
            graph.add(end.clone()).unwrap();
            graph.add_root(end.id());
            end
        })
        .collect();
    let builder = Synthetic { blind: true, pause: Duration::from_millis(5), ..Synthetic::default() };
    let (_, records) = run_at(folder.path(), &graph, &builder);
    assert_eq!(builder.executed.lock().unwrap()["node end"], 1);
    assert_eq!(records[&ends[0].id()], records[&ends[1].id()]);
}

#[test]
fn a_thousand_small_derivations() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut graph = Graph::new();
    for number in 0..500 {
        let part = leaf(&format!("leaf number {number}"));
        let end = node(&format!("{number}"), &[&part]);
        graph.add(part).unwrap();
        let id = graph.add(end).unwrap();
        graph.add_root(id);
    }
    let options = Options { jobs: 2, ..Options::default() };
    let started = Instant::now();
    run(&graph, &store, &Synthetic::default(), &options, &Unobserved).unwrap();
    let cold = started.elapsed();
    drop(store);
    let started = Instant::now();
    let store = Store::open(folder.path()).unwrap();
    run(&graph, &store, &Synthetic::default(), &options, &Unobserved).unwrap();
    eprintln!("1,000 derivations: {cold:?}; 500 roots from the memo: {:?}", started.elapsed());
    drop(store);
    let started = Instant::now();
    let store = Store::open(folder.path()).unwrap();
    let _shared = store.share(&options.cancel).unwrap();
    let builders = hbuild::exec::Builders::new();
    hbuild::exec::execute(&graph, &graph.roots()[..10], &store, &builders, &options, &Unobserved).unwrap();
    eprintln!("opening and 10 roots from the memo: {:?}", started.elapsed());
    assert!(cold < Duration::from_secs(100), "{cold:?}");
}
