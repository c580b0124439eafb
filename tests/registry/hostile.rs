//! Registries that mean harm: each has an error of its own, and nothing of what they say is kept.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::place::{Place, named};
use crate::server::{Answer, Registry, Request, Twist, answer};
use crate::support;

/// A registry with the image of `place` that gives `wrong` where `test` holds.
fn lying(
    place: &Place,
    test: impl Fn(&Request) -> bool + Send + Sync + 'static,
    wrong: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> Registry {
    let registry = Registry::start(
        move |request| if test(request) { Twist::Answer(wrong(request)) } else { Twist::Plain },
    );
    registry.fill(&place.path("app"));
    registry
}

/// A pull from it fails in time with this code, and leaves nothing that looks like an image.
fn refused(place: &Place, registry: &Registry, code: &str) -> String {
    let begun = Instant::now();
    let reference = format!("{}:1-debian12", registry.name());
    let error = place.must_fail(&["pull", &reference, "-o", "out"], 3, code);
    assert!(begun.elapsed() < Duration::from_secs(20), "{code}");
    assert!(!place.path("out/app/index.json").exists(), "{code}");
    error
}

#[test]
fn what_a_registry_gives_is_held_against_its_digest() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    let top = named(&place.path("app"), "1-debian12");
    let below = named(&place.path("app"), "1-debian12-amd64");
    let of_tag = |request: &Request| request.path.ends_with("/manifests/1-debian12");
    let huge = |_: &Request| Answer { length: Some(1 << 30), ..answer(200) };
    refused(&place, &lying(&place, of_tag, huge), "hbuild::remote::too_large");
    let endless = |_: &Request| Answer { endless: true, ..answer(200) };
    refused(&place, &lying(&place, of_tag, endless), "hbuild::remote::too_large");
    let document = r#"{"schemaVersion":2,"manifests":[]}"#;
    let said = move |_: &Request| answer(200).with("Docker-Content-Digest", top.clone()).body(document);
    refused(&place, &lying(&place, of_tag, said), "hbuild::remote::wrong_digest");
    let of_manifest = move |request: &Request| request.path.ends_with(&below);
    let other = move |_: &Request| answer(200).body(document);
    refused(&place, &lying(&place, of_manifest, other), "hbuild::remote::wrong_digest");
    for (text, words) in [("{}", "neither index"), ("no", "expected"), ("[[[[", "sequence")] {
        let wrong = move |_: &Request| answer(200).body(text);
        let error = refused(&place, &lying(&place, of_tag, wrong), "hbuild::remote::bad_answer");
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn blobs_have_the_length_of_their_descriptor_and_come_from_servers() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    let blob = |request: &Request| request.is("GET", "/blobs/");
    let longer = |_: &Request| answer(200).body(vec![0; 20 << 20]);
    refused(&place, &lying(&place, blob, longer), "hbuild::remote::wrong_size");
    let endless = |_: &Request| Answer { endless: true, ..answer(200) };
    refused(&place, &lying(&place, blob, endless), "hbuild::remote::wrong_size");
    let folder = place.path("app");
    let flipped = move |request: &Request| {
        let hex = request.path.rsplit(':').next().unwrap();
        let mut bytes = std::fs::read(folder.join("blobs/sha256").join(hex)).unwrap();
        bytes[0] ^= 1;
        answer(200).body(bytes)
    };
    refused(&place, &lying(&place, blob, flipped), "hbuild::remote::wrong_digest");
    for location in ["file:///etc/passwd", "gopher://h/"] {
        let redirect = move |_: &Request| answer(307).with("Location", location);
        refused(&place, &lying(&place, blob, redirect), "hbuild::remote::unsafe_redirect");
        refused(
            &place,
            &lying(&place, |request| request.path.contains("/manifests/"), redirect),
            "hbuild::remote::unsafe_redirect",
        );
    }
    let round = |request: &Request| answer(302).with("Location", request.path.clone());
    refused(&place, &lying(&place, blob, round), "hbuild::remote::unsafe_redirect");
}

#[test]
fn a_list_of_referrers_ends() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    let list = |request: &Request| request.path.contains("/referrers/");
    let page = r#"{"schemaVersion":2,"manifests":[]}"#;
    let same = move |request: &Request| {
        answer(200).with("Link", format!("<{}>; rel=\"next\"", request.path)).body(page)
    };
    refused(&place, &lying(&place, list, same), "hbuild::remote::endless_referrers");
    let more = move |request: &Request| {
        let path = request.path.split('?').next().unwrap();
        answer(200).with("Link", format!("<{path}?n={}>; rel=\"next\"", request.number)).body(page)
    };
    refused(&place, &lying(&place, list, more), "hbuild::remote::endless_referrers");
    let away =
        move |_: &Request| answer(200).with("Link", "<http://127.0.0.1:1/v2/>; rel=\"next\"").body(page);
    refused(&place, &lying(&place, list, away), "hbuild::remote::unsafe_redirect");
    let digest = format!("sha256:{}", "0".repeat(64));
    let entry = format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":7}}"#
    );
    let missing = move |_: &Request| {
        answer(200).body(format!(r#"{{"schemaVersion":2,"manifests":[{entry},{entry}]}}"#))
    };
    refused(&place, &lying(&place, list, missing), "hbuild::remote::not_found");
}

#[test]
fn what_a_registry_takes_has_the_digest_that_was_sent() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    let zero = format!("sha256:{}", "0".repeat(64));
    let said = zero.clone();
    let other = Registry::start(move |request| match request.is("PUT", "/manifests/") {
        true => Twist::Answer(answer(201).with("Docker-Content-Digest", said.clone())),
        false => Twist::Plain,
    });
    place.must_fail(&["push", "app", &other.name()], 3, "hbuild::remote::wrong_digest");
    let said = zero;
    let other = Registry::start(move |request| match request.is("PUT", "digest=") {
        true => Twist::Answer(answer(201).with("Docker-Content-Digest", said.clone())),
        false => Twist::Plain,
    });
    place.must_fail(&["push", "app", &other.name()], 3, "hbuild::remote::wrong_digest");
    assert_eq!(other.tags(), Vec::<String>::new());
    for location in [None, Some("file:///tmp/x"), Some("gopher://h/")] {
        let nowhere = Registry::start(move |request| match (request.method.as_str(), location) {
            ("POST", Some(location)) => Twist::Answer(answer(202).with("Location", location)),
            ("POST", None) => Twist::Answer(answer(202)),
            _ => Twist::Plain,
        });
        place.must_fail(&["push", "app", &nowhere.name()], 3, "hbuild::remote::bad_location");
    }
    let terminal = r#"{"errors":[{"code":"DENIED","message":"\u001b[2Jno"}]}"#;
    let denies = Registry::start(move |request| match request.method.as_str() {
        "POST" => Twist::Answer(answer(403).body(terminal)),
        _ => Twist::Plain,
    });
    let error = place.must_fail(&["push", "app", &denies.name()], 3, "hbuild::remote::denied");
    assert!(error.contains("DENIED") && !error.contains('\u{1b}'), "{error}");
}

#[test]
fn a_damaged_layout_is_not_pushed() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    let registry = Registry::start(|_| Twist::Plain);
    for entry in std::fs::read_dir(place.path("app/blobs/sha256")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        if bytes.len() > 100_000 {
            bytes[50_000] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    place.must_fail(&["push", "app", &registry.name()], 3, "hbuild::image::bad_blob");
    assert_eq!(registry.tags(), Vec::<String>::new());
}

#[test]
fn a_token_stays_with_its_registry() {
    if !support::loopback() {
        return;
    }
    let place = Place::new();
    let storage = Registry::start(|_| Twist::Plain);
    storage.fill(&place.path("app"));
    let address = Arc::new(OnceLock::new());
    let registry = Registry::start({
        let (address, elsewhere) = (address.clone(), storage.authority());
        move |request| {
            let address: &String = address.get().unwrap();
            if request.path.starts_with("/token") {
                return Twist::Answer(answer(200).body(r#"{"token":"secret-token"}"#));
            }
            if request.header("authorization") != Some("Bearer secret-token") {
                let challenge = format!("Bearer realm=\"http://{address}/token\",service=\"s\"");
                return Twist::Answer(answer(401).with("WWW-Authenticate", challenge));
            }
            let away = format!("http://{elsewhere}{}", request.path);
            match request.method.as_str() {
                "GET" if request.path.contains("/blobs/sha256") => {
                    Twist::Answer(answer(307).with("Location", away))
                }
                "POST" => Twist::Answer(answer(202).with("Location", format!("{away}{}", request.number))),
                _ => Twist::Plain,
            }
        }
    });
    address.set(registry.authority()).unwrap();
    registry.fill(&place.path("app"));
    let reference = format!("{}:1-debian12", registry.name());
    let mut pull = place.command(&["pull", &reference, "-o", "out"]);
    let output = pull.env("HBUILD_LOG", "trace").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !said.contains("secret-token"), "{said}");
    let fetched = storage.requests();
    assert!(fetched.len() >= 8 && fetched.iter().all(|it| it.header("authorization").is_none()));
    place.image("other", "sent to the storage");
    place.must(&["push", "other", &format!("{}:2", registry.name())]);
    let sent = storage.requests();
    assert!(sent.iter().any(|request| request.method == "PUT"));
    assert!(sent.iter().all(|request| request.header("authorization").is_none()));
    let scopes: Vec<String> = registry
        .requests()
        .into_iter()
        .filter(|request| request.path.starts_with("/token"))
        .map(|request| request.path)
        .collect();
    assert!(scopes.iter().any(|path| path.ends_with("scope=repository:team/app:pull")), "{scopes:?}");
    assert!(scopes.iter().any(|path| path.ends_with("scope=repository:team/app:pull,push")), "{scopes:?}");
}
