//! Fetching from servers that misbehave, one way at a time.

mod mirror_support;
mod support;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hbuild::digest::Sha256;
use hbuild::host::fetch::{Content, Credential, Failure, FetchError, FetchOptions, Fetched, Fetcher, Wanted};
use mirror_support::server::{Answer, Server};

/// Two hundred kilobytes in which no part is like another.
fn content() -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..200_000).map(|_| next()).collect()
}

fn options() -> FetchOptions {
    FetchOptions {
        backoff: Duration::from_millis(5),
        connect_timeout: Duration::from_secs(2),
        idle_timeout: Duration::from_millis(300),
        ..FetchOptions::default()
    }
}

fn wanted(urls: &[String], known: bool) -> Wanted {
    let content = content();
    Wanted {
        what: "the file".to_owned(),
        urls: urls.iter().map(|url| url.parse().unwrap()).collect(),
        content: known.then(|| Content::Sha256(Sha256::of(&content))),
        size: known.then_some(content.len() as u64),
        limit: 1 << 20,
        headers: Vec::new(),
    }
}

fn fetch(urls: &[String]) -> Result<(Fetched, Vec<u8>), FetchError> {
    fetch_with(options(), &wanted(urls, true), Vec::new())
}

fn fetch_with(
    options: FetchOptions,
    wanted: &Wanted,
    mut present: Vec<u8>,
) -> Result<(Fetched, Vec<u8>), FetchError> {
    let fetched = Fetcher::new(options).unwrap().fetch(wanted, &mut present, &|_, _| {})?;
    Ok((fetched, present))
}

#[track_caller]
fn assert_fetched(result: Result<(Fetched, Vec<u8>), FetchError>) {
    let (fetched, bytes) = result.unwrap();
    assert!(bytes == content());
    assert_eq!((fetched.sha256, fetched.size), (Sha256::of(&bytes), bytes.len() as u64));
}

fn failures(error: FetchError) -> Vec<Failure> {
    let failures = match error {
        FetchError::NotFound { failures, .. }
        | FetchError::WrongBytes { failures, .. }
        | FetchError::Truncated { failures, .. }
        | FetchError::Unreachable { failures, .. } => failures,
        other => panic!("{other:?}"),
    };
    failures.into_iter().map(|entry| entry.failure).collect()
}

#[test]
fn a_file_and_a_redirect() {
    if !support::loopback() {
        return;
    }
    let server = Server::start(|request, _| match request.path.as_str() {
        "/old" => Answer::Redirect("/new".to_owned()),
        "/new" => Answer::File(content()),
        "/round" => Answer::Redirect("/round".to_owned()),
        _ => Answer::Status(404),
    });
    assert_fetched(fetch(&[server.url("/new")]));
    assert_fetched(fetch(&[server.url("/old")]));
    assert_fetched(fetch_with(options(), &wanted(&[server.url("/old")], false), b"rest".to_vec()));
    assert_eq!(failures(fetch(&[server.url("/round")]).unwrap_err()), [Failure::Redirect]);
}

#[test]
fn not_found_on_one_mirror_of_two_and_on_both() {
    if !support::loopback() {
        return;
    }
    let empty = Server::start(|_, _| Answer::Status(404));
    let full = Server::start(|_, _| Answer::File(content()));
    assert_fetched(fetch(&[empty.url("/x"), full.url("/x")]));
    let error = fetch(&[empty.url("/a"), empty.url("/b")]).unwrap_err();
    assert!(error.is_not_found());
    let message = error.to_string();
    assert!(message.contains(&empty.url("/a")) && message.contains(&empty.url("/b")), "{message}");
    assert_eq!(empty.requests().len(), 3, "what is not there is asked for once");
}

#[test]
fn a_transfer_that_breaks_off_is_continued() {
    if !support::loopback() {
        return;
    }
    let server = Server::start(|_, number| match number {
        0 => Answer::Cut(content(), 50_000),
        _ => Answer::File(content()),
    });
    assert_fetched(fetch(&[server.url("/x")]));
    let from: Vec<_> = server.requests().iter().map(|request| request.from).collect();
    assert!(from[0].is_none() && from[1].is_some_and(|from| from > 0 && from <= 50_000), "{from:?}");
    let other = Server::start(|_, _| Answer::File(content()));
    let cut = Server::start(|_, _| Answer::Cut(content(), 70_000));
    assert_fetched(fetch(&[cut.url("/x"), other.url("/x")]));
    assert!(other.requests()[0].from.is_some(), "another mirror goes on where the first broke off");
}

#[test]
fn without_a_digest_nothing_is_pieced_together() {
    if !support::loopback() {
        return;
    }
    let server = Server::start(|_, number| match number {
        0 => Answer::Cut(content(), 50_000),
        _ => Answer::File(content()),
    });
    let sized = Wanted { size: Some(200_000), ..wanted(&[server.url("/x")], false) };
    assert_fetched(fetch_with(options(), &sized, Vec::new()));
    assert!(server.requests().iter().all(|request| request.from.is_none()));
}

#[test]
fn answers_to_a_range_that_are_none() {
    if !support::loopback() {
        return;
    }
    let part = || content()[..60_000].to_vec();
    let ignored = Server::start(|_, _| Answer::Whole(content()));
    let file = wanted(&[ignored.url("/x")], true);
    assert_fetched(fetch_with(options(), &file, part()));
    assert_eq!(ignored.requests().len(), 1);
    let wrong = Server::start(|request, _| match request.from {
        Some(_) => Answer::WrongRange(content()),
        None => Answer::File(content()),
    });
    assert_fetched(fetch_with(options(), &wanted(&[wrong.url("/x")], true), part()));
    let refused = Server::start(|request, _| match request.from {
        Some(_) => Answer::Status(416),
        None => Answer::File(content()),
    });
    assert_fetched(fetch_with(options(), &wanted(&[refused.url("/x")], true), part()));
}

#[test]
fn what_is_present_is_believed_by_its_digest_alone() {
    if !support::loopback() {
        return;
    }
    let server = Server::start(|_, _| Answer::File(content()));
    let file = wanted(&[server.url("/x")], true);
    assert_fetched(fetch_with(options(), &file, content()));
    assert_eq!(server.requests().len(), 0, "all of it is there");
    assert_fetched(fetch_with(options(), &file, content()[..199_999].to_vec()));
    assert_eq!(server.requests()[0].from, Some(199_999));
    let mut changed = content();
    changed[7] ^= 1;
    for present in [changed.clone(), changed[..60_000].to_vec(), vec![0; 300_000]] {
        assert_fetched(fetch_with(options(), &file, present));
    }
}

#[test]
fn a_file_on_disk_is_continued() {
    if !support::loopback() {
        return;
    }
    let server = Server::start(|_, _| Answer::File(content()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("partial");
    fs::write(&path, &content()[..123_456]).unwrap();
    let mut file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let fetcher = Fetcher::new(options()).unwrap();
    let seen = std::sync::Mutex::new(Vec::new());
    let progress = |done: u64, total: Option<u64>| seen.lock().unwrap().push((done, total));
    fetcher.fetch(&wanted(&[server.url("/x")], true), &mut file, &progress).unwrap();
    let mut bytes = Vec::new();
    File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
    assert!(bytes == content());
    assert_eq!(server.requests()[0].from, Some(123_456));
    let seen = seen.into_inner().unwrap();
    assert!(seen.is_sorted() && seen[0].0 > 123_456 && seen.last() == Some(&(200_000, Some(200_000))));
}

#[test]
fn truncated_wrong_and_too_large() {
    if !support::loopback() {
        return;
    }
    let cut = Server::start(|_, _| Answer::Cut(content(), 1_000));
    let error = fetch(&[cut.url("/x")]).unwrap_err();
    assert!(matches!(error, FetchError::Truncated { .. }), "{error:?}");
    let mut changed = content();
    changed[100] ^= 1;
    let wrong = Server::start(move |_, _| Answer::File(changed.clone()));
    let good = Server::start(|_, _| Answer::File(content()));
    let error = fetch(&[wrong.url("/x")]).unwrap_err();
    assert!(matches!(error, FetchError::WrongBytes { .. }), "{error:?}");
    assert_eq!(wrong.requests().len(), 1, "a digest does not get better by asking again");
    assert_fetched(fetch(&[wrong.url("/x"), good.url("/x")]));
    assert!(good.requests()[0].from.is_none(), "nothing of the wrong file is used");
    // Half from a mirror of another file, half from the right one: all of it is fetched again.
    let half = {
        let mut changed = content();
        changed[100] ^= 1;
        Server::start(move |_, _| Answer::Cut(changed.clone(), 150_000))
    };
    assert_fetched(fetch(&[half.url("/x"), good.url("/x")]));
    let long = Server::start(|_, _| Answer::File([content(), content()].concat()));
    let sizes = failures(fetch(&[long.url("/x")]).unwrap_err());
    assert_eq!(sizes, [Failure::WrongSize { found: 400_000, expected: 200_000 }]);
    let small = Wanted { limit: 1_000, ..wanted(&[good.url("/x")], false) };
    let limited = failures(fetch_with(options(), &small, Vec::new()).unwrap_err());
    assert_eq!(limited, [Failure::TooLarge { limit: 1_000 }]);
}

#[test]
fn silence_and_errors_are_waited_out_shortly() {
    if !support::loopback() {
        return;
    }
    let silent = Server::start(|_, _| Answer::Silence);
    let stalled = Server::start(|_, _| Answer::Stall(content(), 10));
    let good = Server::start(|_, _| Answer::File(content()));
    let start = Instant::now();
    assert_fetched(fetch(&[silent.url("/x"), stalled.url("/x"), good.url("/x")]));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let error = fetch(&[silent.url("/x")]).unwrap_err();
    assert_eq!(failures(error), [Failure::Timeout]);
    assert_eq!(silent.requests().len(), 5, "once, then four rounds");
    let busy = Server::start(|_, number| match number {
        0 | 1 => Answer::Status(503),
        _ => Answer::File(content()),
    });
    assert_fetched(fetch(&[busy.url("/x")]));
    let refused = failures(fetch(&["http://127.0.0.1:1/x".to_owned()]).unwrap_err());
    assert!(matches!(&refused[..], [Failure::Unreachable(_)]), "{refused:?}");
}

#[test]
fn a_host_out_of_reach_is_asked_last_from_then_on() {
    if !support::loopback() {
        return;
    }
    let good = Server::start(|_, _| Answer::File(content()));
    let fetcher = Fetcher::new(options()).unwrap();
    let file = wanted(&["http://127.0.0.1:1/x".to_owned(), good.url("/x")], true);
    for _ in 0..2 {
        fetcher.fetch(&file, &mut Vec::new(), &|_, _| {}).unwrap();
    }
    assert_eq!(good.requests().len(), 2);
}

#[test]
fn credentials_go_to_their_server_alone_and_into_no_message() {
    if !support::loopback() {
        return;
    }
    let other = Server::start(|_, _| Answer::File(content()));
    let there = other.url("/there");
    let server = Server::start(move |request, _| match request.path.as_str() {
        "/moved" => Answer::Redirect(there.clone()),
        _ if request.authorization.as_deref() == Some("Basic bWU6czNjcmV0") => Answer::File(content()),
        _ => Answer::Status(401),
    });
    let credential = Credential { username: "me".to_owned(), password: "s3cret".to_owned() };
    let with = FetchOptions { credentials: BTreeMap::from([(server.authority(), credential)]), ..options() };
    assert_fetched(fetch_with(with.clone(), &wanted(&[server.url("/x")], true), Vec::new()));
    assert_fetched(fetch_with(with, &wanted(&[server.url("/moved")], true), Vec::new()));
    assert_eq!(other.requests()[0].authorization, None);
    let in_url = server.url("/x").replace("//", "//me:s3cret@");
    assert_fetched(fetch(&[in_url]));
    let wrong = server.url("/x?token=t0ken").replace("//", "//me:wr0ng@");
    let error = fetch(&[wrong]).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("wr0ng") && !shown.contains("t0ken"), "{shown}");
    assert_eq!(failures(error), [Failure::Denied(401)]);
}

#[test]
fn files_of_this_host() {
    if !support::loopback() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a file+1");
    fs::write(&path, content()).unwrap();
    let url = format!("file:{}", folder.path().join("a%20file+1").display());
    assert_fetched(fetch(std::slice::from_ref(&url)));
    assert_fetched(fetch_with(options(), &wanted(&[url], true), content()[..10].to_vec()));
    let missing = format!("file:{}", folder.path().join("none").display());
    assert!(fetch(&[missing]).unwrap_err().is_not_found());
    let is_folder = format!("file:{}", folder.path().display());
    assert!(matches!(failures(fetch(&[is_folder]).unwrap_err())[..], [Failure::File(_)]));
    assert!(matches!(fetch(&[]), Err(FetchError::NoMirror { .. })));
}

#[test]
fn a_stop_is_heeded() {
    if !support::loopback() {
        return;
    }
    let server = Server::start(|_, _| Answer::File(content()));
    let options = options();
    options.cancelled.store(true, Ordering::Relaxed);
    let result = fetch_with(options, &wanted(&[server.url("/x")], true), Vec::new());
    assert!(matches!(result, Err(FetchError::Cancelled { .. })), "{result:?}");
}

#[test]
fn many_at_once() {
    if !support::loopback() {
        return;
    }
    let server = Server::start(|_, number| match number % 5 {
        3 => Answer::Cut(content(), 150_000),
        _ => Answer::File(content()),
    });
    // One of eight threads may meet the cut answer several times in a row.
    let fetcher = Fetcher::new(FetchOptions { rounds: 20, ..options() }).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let mut bytes = Vec::new();
                    fetcher.fetch(&wanted(&[server.url("/x")], true), &mut bytes, &|_, _| {}).unwrap();
                    assert!(bytes == content());
                }
            });
        }
    });
}
