//! What is sent and what is not, in which order, and what a broken connection costs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::place::{Place, files, named};
use crate::server::{Registry, Twist, answer};
use crate::support;

#[test]
fn first_everything_then_nothing() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    let registry = Registry::start(|_| Twist::Plain);
    let name = registry.name();
    let would = place.json(&["push", "app", &name, "--dry-run"]);
    assert!(registry.requests().iter().all(|request| matches!(request.method.as_str(), "GET" | "HEAD")));
    let first = place.json(&["push", "app", &name]);
    assert_eq!(would["blobs"], first["blobs"]);
    // Two layers, two configs, three documents, and the config of artifacts.
    assert_eq!((&first["blobs"]["sent"], registry.blobs()), (&8.into(), 8));
    assert_eq!((&first["manifests"]["sent"], &first["evidence"]["sent"]), (&3.into(), &3.into()));
    let digest = named(&place.path("app"), "1-debian12");
    assert_eq!(first["tags"][0]["digest"], digest.as_str());
    let requests = registry.requests();
    let place_of = |test: &dyn Fn(&str) -> bool| {
        requests.iter().rposition(|request| request.method == "PUT" && test(&request.path)).unwrap()
    };
    let blobs = requests.iter().position(|request| request.is("PUT", "/manifests/")).unwrap();
    assert!(requests[..blobs].iter().filter(|request| request.is("PUT", "digest=")).count() >= 4);
    let tag = place_of(&|path| path.ends_with("/manifests/1-debian12"));
    let listed = place_of(&|path| path.contains("/manifests/sha256-"));
    assert!(listed < tag && tag == requests.len() - 1, "the tag is last");

    let before = registry.requests().len();
    let again = place.json(&["push", "app", &name]);
    for kind in ["blobs", "manifests", "evidence"] {
        assert_eq!((&again[kind]["sent"], &again[kind]["mounted"]), (&0.into(), &0.into()), "{again}");
    }
    assert_eq!(again["tags"][0]["state"], "unchanged");
    let requests = registry.requests();
    assert!(requests[before..].iter().all(|request| matches!(request.method.as_str(), "GET" | "HEAD")));

    let pulled = place.json(&["pull", &format!("{name}:1-debian12"), "-o", "out"]);
    assert_eq!(pulled["digest"], digest.as_str());
    assert_eq!(files(&place.path("out/app")), files(&place.path("app")), "it comes back byte for byte");
    assert_eq!(place.json(&["pull", &format!("{name}:1-debian12"), "-o", "out"])["fetched"], 0);
}

#[test]
fn a_tag_that_is_there_is_not_moved() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    place.image("other", "good day");
    let registry = Registry::start(|_| Twist::Plain);
    let name = registry.name();
    place.must(&["push", "app", &name]);
    let puts = registry.count("PUT", "");
    let error = place.must_fail(&["push", "other", &name], 1, "hbuild::remote::tag_exists");
    assert!(error.contains("move this one with") && error.contains(&format!("{name}:1-debian12")), "{error}");
    assert_eq!(registry.count("PUT", ""), puts, "nothing was sent");
    place.must(&["push", "other", &format!("{name}:2")]);
    let moved = place.json(&["push", "other", &name, "--move-tags"]);
    assert_eq!((&moved["tags"][0]["state"], &moved["manifests"]["sent"]), (&"moved".into(), &0.into()));
    place.must_fail(&["push", "app", &format!("{name}@sha256:{}", "0".repeat(64))], 2, "push_to_digest");
    place.must_fail(&["push", "app", "team/app"], 2, "bad_reference");
    place.must_fail(&["push", "absent", &name], 2, "no_image_file");
    place.must_fail(&["pull", &format!("{name}:absent"), "-o", "out"], 3, "hbuild::remote::not_found");
    assert!(!place.path("out").exists());
}

#[test]
fn an_upload_goes_on_where_it_broke_off() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    let cut = AtomicBool::new(false);
    let registry = Registry::start(move |request| {
        let first = request.method == "PATCH" && !cut.swap(true, Ordering::Relaxed);
        if first { Twist::Cut(700_000) } else { Twist::Plain }
    });
    place.must(&["push", "app", &registry.name()]);
    let requests = registry.requests();
    let ranges: Vec<&str> = requests.iter().filter_map(|request| request.header("content-range")).collect();
    assert!(ranges.len() == 1 && ranges[0].starts_with("700000-"), "{ranges:?}");
    place.must(&["pull", &format!("{}:1-debian12", registry.name()), "-o", "out"]);
    assert_eq!(files(&place.path("out/app")), files(&place.path("app")));
}

#[test]
fn a_registry_that_has_too_much_to_do_is_waited_for() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    let registry = Registry::start(move |request| match request.number {
        0 => Twist::Answer(answer(429).with("Retry-After", "1")),
        1 | 5 => Twist::Answer(answer(503)),
        7 => Twist::Cut(0),
        _ => Twist::Plain,
    });
    let begun = Instant::now();
    place.must(&["push", "app", &registry.name()]);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(registry.tags().iter().filter(|tag| *tag == "1-debian12").count(), 1);
}

#[test]
fn a_pull_that_was_stopped_shows_nothing_and_goes_on() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    let broken = std::sync::Arc::new(AtomicBool::new(true));
    let registry = Registry::start({
        let (broken, folder) = (broken.clone(), place.path("app"));
        move |request| {
            let hex = request.path.rsplit(':').next().unwrap_or_default();
            let bytes = std::fs::read(folder.join("blobs/sha256").join(hex)).unwrap_or_default();
            if !broken.load(Ordering::Relaxed) || !request.is("GET", "/blobs/") || bytes.len() < 1 << 20 {
                return Twist::Plain;
            }
            let length = Some(bytes.len() as u64);
            match request.header("range") {
                None => Twist::Answer(crate::server::Answer {
                    length,
                    ..answer(200).body(bytes[..600_000].to_vec())
                }),
                Some(_) => Twist::Answer(answer(404)),
            }
        }
    });
    registry.fill(&place.path("app"));
    let reference = format!("{}:1-debian12", registry.name());
    place.must_fail(&["pull", &reference, "-o", "out"], 3, "hbuild::remote::");
    assert!(!place.path("out/app/index.json").exists(), "no layout is to be seen");
    broken.store(false, Ordering::Relaxed);
    place.must(&["pull", &reference, "-o", "out"]);
    assert_eq!(files(&place.path("out/app")), files(&place.path("app")));
    let requests = registry.requests();
    let from = requests.iter().rev().find_map(|request| request.header("range"));
    assert_eq!(from, Some("bytes=600000-"));
}

#[test]
fn layers_of_the_same_registry_are_mounted() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    // The registry keeps one set of blobs for all repositories: for this one it says it has none.
    let registry = Registry::start(|request| {
        let there = request.path.contains("/other/") && request.method == "HEAD";
        let mounts = request.is("POST", "mount=") && request.path.contains("from=team/app");
        match (there, mounts) {
            (true, _) => Twist::Answer(answer(404)),
            (_, true) => Twist::Answer(answer(201)),
            _ => Twist::Plain,
        }
    });
    registry.fill(&place.path("app"));
    let from = format!("{}:1-debian12", registry.name());
    let to = format!("{}/other/app:1", registry.authority());
    let pushed = place.json(&["push", &from, &to]);
    assert_eq!((&pushed["blobs"]["mounted"], &pushed["blobs"]["sent"]), (&4.into(), &0.into()), "{pushed}");
    assert_eq!(registry.count("PATCH", ""), 0);
}
