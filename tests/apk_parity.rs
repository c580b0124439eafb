//! The resolver and the order of versions against the real apk: set by set, what would be installed into an empty
//! root, and in which order.
//!
//! `HBUILD_PARITY_MORE=N` takes N times as many sets and small universes, `HBUILD_PARITY_SEED` draws others.

mod apk_parity {
    pub mod support;
}
mod apk_support;
mod support;

use std::collections::BTreeSet;

use apk_parity::support::{Oracle, Peer, Relations, Repository, difference, genuine, ours, universe};
use apk_support::{RealApk, alpine};
use hbuild::distro::alpine::checksum::Checksum;
use hbuild::distro::alpine::version;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rayon::prelude::*;

/// Packages that people ask for, alone and together.
const POPULAR: &str = "nginx redis postgresql16 python3 nodejs git bash curl busybox alpine-base openssl php82 ruby perl \
    mariadb docker go rust build-base cmake vim openssh haproxy memcached tini jq ffmpeg openrc dbus networkmanager \
    so:libssl.so.3 cmd:sqlite3 pc:zlib nodejs~20 python3>3.10 nginx=1.24.0-r16 !busybox-doc alpine-sdk|docs|bash-completion \
    git|docs|bash-completion|!git-doc nginx|openrc|docs busybox|!ssl_client docker|zsh|fish|bash-completion|openrc|docs \
    mariadb|docs|bash-completion|openrc|!mariadb-doc nginx=9 openssl<2 libressl|openssl pipewire-pulse|pulseaudio \
    postgresql15|postgresql16|openrc|docs postfix|exim|sendmail lapack-dev php-cli java-jre openjdk17-jre|java-jre \
    bluez-dev|docs networkmanager|openrc|docs|bash-completion vim|gvim gcc|clang|docs samba|openrc linux-lts eudev|udev";

fn seed() -> u64 {
    std::env::var("HBUILD_PARITY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(5)
}

fn more() -> usize {
    std::env::var("HBUILD_PARITY_MORE").ok().and_then(|more| more.parse().ok()).unwrap_or(1)
}

/// The sets: popular packages, pairs, large ones, some of them with what pulls in documentation and services.
fn sets(texts: &[&str]) -> Vec<Vec<String>> {
    let words = |set: &str| set.split('|').map(str::to_owned).collect::<Vec<_>>();
    let mut sets: Vec<_> = POPULAR.split_whitespace().map(words).collect();
    let names =
        |text: &&str| text.lines().filter_map(|line| line.strip_prefix("P:")).map(str::to_owned).collect();
    let names: Vec<Vec<String>> = texts.iter().map(names).collect();
    let all: Vec<String> = names.concat();
    let mut random = StdRng::seed_from_u64(seed());
    for _ in 0..20 * more() {
        sets.push(all.choose_multiple(&mut random, 2).cloned().collect());
    }
    for number in 0..20 * more() {
        let from = if number % 3 == 0 { &all } else { &names[0] };
        let count = random.gen_range(30..80);
        let mut set: BTreeSet<String> = from.choose_multiple(&mut random, count).cloned().collect();
        for extra in ["docs", "openrc", "bash-completion", "zsh"] {
            if random.gen_bool(0.2) {
                set.insert(extra.to_owned());
            }
        }
        for forbidden in from.choose_multiple(&mut random, number % 4) {
            if !set.contains(forbidden) {
                set.insert(format!("!{forbidden}"));
            }
        }
        sets.push(set.into_iter().collect());
    }
    sets
}

#[test]
fn genuine_sets_are_what_apk_installs_in_its_order() {
    let Some(alpine) = alpine() else { return };
    let Some(peer) = Peer::new(&alpine) else { return };
    let texts = [genuine(&alpine, "main"), genuine(&alpine, "community")];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let whole: Vec<_> = texts.iter().map(|text| Repository { text: (*text).to_owned(), tag: None }).collect();
    let (whole, relations, sets) = (universe(&whole), Relations::new(&texts), sets(&texts));
    assert!(sets.len() >= 100, "{}", sets.len());
    let unusable = whole.parts().iter().flat_map(|part| part.index.unusable()).collect::<Vec<_>>();
    assert_eq!(unusable, Vec::<&str>::new(), "every genuine entry can be read");
    let compare = |words: &Vec<String>| {
        let answer = Oracle::new(&peer, &relations.reduced(words)).ask(words);
        difference(words, &answer, &ours(&whole, words))
    };
    let differences: Vec<_> = sets.par_iter().filter_map(compare).collect();
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), sets.len(), differences.join("\n"));
    let both = ["main", "community"].map(|component| alpine.join("v3.19").join(component));
    let oracle = Oracle::genuine(&peer, &both);
    for words in [&sets[38], sets.last().unwrap()] {
        let difference = difference(words, &oracle.ask(words), &ours(&whole, words));
        assert_eq!(difference, None, "with the whole indexes, as they are signed");
    }
}

/// A few packages that depend on, provide, forbid and trigger each other at random.
fn small_repository(random: &mut StdRng) -> String {
    let mut text = String::new();
    let count = random.gen_range(5..14);
    for number in 0..count {
        let relations = |random: &mut StdRng, most: usize, forbids: f64| {
            let words = (0..random.gen_range(0..=most)).map(|_| {
                let constraint = ["", "", "", "=1", "=2", ">1", "<2", "~1", ">=2"].choose(random).unwrap();
                let conflict = if random.gen_bool(forbids) { "!" } else { "" };
                format!("{conflict}n{}{constraint}", random.gen_range(0..8))
            });
            words.collect::<Vec<_>>().join(" ")
        };
        let (depends, triggers) = (relations(random, 3, 0.15), relations(random, 2, 0.0));
        let mut provides: BTreeSet<u8> = BTreeSet::new();
        (0..random.gen_range(0..3)).for_each(|_| _ = provides.insert(random.gen_range(0..12)));
        let name = if number < 6 { number } else { random.gen_range(0..9_u8) };
        let version = random.gen_range(1..3);
        provides.remove(&name);
        let provides: Vec<_> = provides
            .iter()
            .map(|name| format!("n{name}{}", ["", "", "=1", "=2"].choose(random).unwrap()))
            .collect();
        let mut entry =
            format!("P:n{name}\nV:{version}\nA:x86_64\nS:{number}\nI:{}\n", random.gen_range(0..3));
        for (field, value) in [("D", depends), ("p", provides.join(" "))] {
            if !value.is_empty() {
                entry.push_str(&format!("{field}:{value}\n"));
            }
        }
        if random.gen_bool(0.3) && !triggers.is_empty() {
            entry.push_str(&format!("i:{triggers}\n"));
        }
        if random.gen_bool(0.3) {
            entry.push_str(&format!("k:{}\n", random.gen_range(0..3)));
        }
        let digest = blake3::hash(entry.as_bytes());
        let checksum = Checksum(digest.as_bytes()[..20].try_into().unwrap());
        text.push_str(&format!("C:{checksum}\n{entry}\n"));
    }
    text
}

#[test]
fn small_universes_are_solved_as_apk_solves_them() {
    let Some(alpine) = alpine() else { return };
    let Some(peer) = Peer::new(&alpine) else { return };
    let compare = |number: u64| {
        let mut random = StdRng::seed_from_u64(seed().wrapping_mul(1 << 32) + number);
        let mut repositories = vec![Repository { text: small_repository(&mut random), tag: None }];
        if random.gen_bool(0.3) {
            repositories.push(Repository { text: small_repository(&mut random), tag: None });
        }
        if random.gen_bool(0.4) {
            repositories.push(Repository { text: small_repository(&mut random), tag: Some("edge") });
        }
        let tagged = repositories.iter().any(|repository| repository.tag.is_some());
        let mut names: Vec<u8> = (0..9).collect();
        names.shuffle(&mut random);
        names.truncate(random.gen_range(1..5));
        let words: Vec<_> = names
            .iter()
            .map(|name| {
                let conflict = if random.gen_bool(0.1) { "!" } else { "" };
                let tag = if tagged && random.gen_bool(0.4) { "@edge" } else { "" };
                let constraint = ["", "", "", "=1", "~2", ">1", "<2"].choose(&mut random).unwrap();
                format!("{conflict}n{name}{tag}{constraint}")
            })
            .collect();
        let answer = Oracle::new(&peer, &repositories).ask(&words);
        let text =
            || repositories.iter().map(|one| format!("{:?}\n{}", one.tag, one.text)).collect::<String>();
        let solved = answer.is_ok();
        (
            solved,
            difference(&words, &answer, &ours(&universe(&repositories), &words))
                .map(|said| said + "\n" + &text()),
        )
    };
    let found: Vec<_> = (0..120 * more() as u64).into_par_iter().map(compare).collect();
    let solved = found.iter().filter(|(solved, _)| *solved).count();
    assert!(solved * 5 > found.len(), "only {solved} of {} can be solved", found.len());
    let differences: Vec<_> = found.into_iter().filter_map(|(_, difference)| difference).collect();
    assert!(
        differences.is_empty(),
        "{}:\n{}",
        differences.len(),
        differences[..differences.len().min(3)].join("\n")
    );
}

#[test]
fn versions_are_in_apks_order() {
    let Some(alpine) = alpine() else { return };
    let Some(apk) = RealApk::new(&alpine) else { return };
    let text = genuine(&alpine, "main") + &genuine(&alpine, "community");
    let versions: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("V:")).collect();
    let versions: Vec<&str> = versions.into_iter().collect();
    let mut random = StdRng::seed_from_u64(seed());
    const PIECES: &[&str] = &[
        "1",
        "2",
        "0",
        "00",
        "10",
        ".",
        ".0",
        "a",
        "z",
        "_rc",
        "_p",
        "_alpha",
        "_git",
        "-r1",
        "-r",
        "_pre2",
        "_",
        "x-",
        "20230717",
        "99999999999",
        "~",
    ];
    let made: Vec<String> = (0..300 * more())
        .map(|_| (0..random.gen_range(1..6)).map(|_| *PIECES.choose(&mut random).unwrap()).collect())
        .filter(|version: &String| !version.starts_with('-'))
        .collect();
    let all: Vec<&str> = versions.iter().copied().chain(made.iter().map(String::as_str)).collect();
    let mut wrong = BTreeSet::new();
    for some in all.chunks(1000) {
        let output = apk.command().args(["version", "--check", "--"]).args(some).output().unwrap();
        wrong.extend(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned));
    }
    let ours: BTreeSet<String> =
        all.iter().filter(|text| !version::is_valid(text)).map(|text| (*text).to_owned()).collect();
    assert_eq!(ours, wrong);
    let mut pairs = Vec::new();
    for _ in 0..60 * more() {
        let near = random.gen_range(0..versions.len() - 2);
        pairs.push((versions[near].to_owned(), versions[near + random.gen_range(1..3)].to_owned()));
        let (left, right) = (made.choose(&mut random).unwrap(), made.choose(&mut random).unwrap());
        pairs.push((left.clone(), format!("{left}{right}")));
    }
    let differs = |(left, right): &(String, String)| {
        let output = apk.command().args(["version", "--test", "--", left, right]).output().unwrap();
        let ours = match version::compare(left, right) {
            std::cmp::Ordering::Less => "<",
            std::cmp::Ordering::Equal => "=",
            std::cmp::Ordering::Greater => ">",
        };
        let said = String::from_utf8(output.stdout).unwrap();
        (said.trim() != ours).then(|| format!("{left} {} {right}, here {ours}", said.trim()))
    };
    let differences: Vec<_> = pairs.par_iter().filter_map(differs).collect();
    assert_eq!(differences, Vec::<String>::new());
}
