//! What a derivation costs besides its execution. Run by hand, in release mode:
//! `cargo test --release --test exec_speed -- --ignored --nocapture`.

mod synthetic;

use std::time::{Duration, Instant};

use hbuild::exec::{Options, Unobserved};
use hbuild::graph::Graph;
use hbuild::store::Store;
use synthetic::{Synthetic, command, leaf, node, run};

/// `count` nodes over one leaf.
fn independent(count: usize) -> Graph {
    let mut graph = Graph::new();
    let part = leaf("part");
    graph.add(part.clone()).unwrap();
    for number in 0..count {
        let id = graph.add(node(&format!("{number}"), &[&part])).unwrap();
        graph.add_root(id);
    }
    graph
}

/// One node after the other.
fn chain(count: usize) -> Graph {
    let mut graph = Graph::new();
    let part = leaf("part");
    let mut last = node("root", &[&part]);
    graph.add(part).unwrap();
    graph.add(last.clone()).unwrap();
    for number in 0..count {
        last = command(&format!("{number}"), &[&last]);
        graph.add(last.clone()).unwrap();
    }
    graph.add_root(last.id());
    graph
}

fn measure(graph: &Graph, store: &std::path::Path) -> Duration {
    let builder = Synthetic { small: true, ..Synthetic::default() };
    let options = Options { jobs: 2, ..Options::default() };
    let started = Instant::now();
    let store = Store::open(store).unwrap();
    run(graph, &store, &builder, &options, &Unobserved).unwrap();
    drop(store);
    started.elapsed()
}

#[test]
#[ignore = "prints figures"]
fn milliseconds_for_each_derivation() {
    for (what, count, graph) in [
        ("independent", 1_000, independent(1_000)),
        ("independent", 10_000, independent(10_000)),
        ("in a chain", 200, chain(200)),
    ] {
        let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        for (place, folder) in [("on disk", disk), ("in memory", synthetic::folder())] {
            let cold = measure(&graph, folder.path());
            let warm = measure(&graph, folder.path());
            let each = |time: Duration| time.as_secs_f64() * 1000.0 / f64::from(count);
            let (cold, warm) = (each(cold), each(warm));
            println!("{count} {what}, {place}: {cold:.3} ms each, {warm:.4} ms each when known");
        }
    }
}
