//! What a policy asks for.

use hbuild::audit::verify::{Policy, PolicyError, Verification};
use miette::Diagnostic;
use serde_json::json;

use crate::made::{BUILDER, Key, Made, PROVENANCE, RUN, SIGN, SPDX, codes, provenance, run, statement};
use crate::support::layouts::digest;

fn policy(text: &str) -> Result<Policy, PolicyError> {
    let none = |_: &str| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    Policy::parse("policy.toml", &format!("schema = 1\n{text}"), &none)
}

/// A `[[key]]` table; `more` are further lines of it.
fn key_table(name: &str, key: &Key, more: &str) -> String {
    format!("[[key]]\nname = \"{name}\"\npem = \"\"\"{}\"\"\"\n{more}\n", key.pem())
}

/// What is found of an image that `key` signed, by `text` alone.
fn held(key: &Key, text: &str) -> Verification {
    Made::signed(key).verify_with(&[], &policy(&(text.to_owned() + &key_table("ci", key, ""))).unwrap())
}

const FINE: [String; 0] = [];

#[test]
fn builders_recipes_and_sources() {
    let key = Key::default();
    for (text, expected) in [
        ("[provenance]\nbuilders = [\"https://ci.example.org/*\"]\n", None),
        ("[provenance]\nbuilders = [\"https://ci.example.org\"]\n", Some("other_provenance")),
        ("[provenance]\nrecipes = [\"recipes/*.hb\"]\n", None),
        ("[provenance]\nrecipes = [\"*.hb\"]\n", Some("other_provenance")),
        ("[provenance]\nbuild-types = [\"https://hbuild.dev/build-types/recipe/v1\"]\n", None),
        (
            "[provenance]\nbuild-types = [\"https://hbuild.dev/build-types/other\"]\n",
            Some("other_provenance"),
        ),
        ("[image]\nsources = [\"https://git.example.org/**\"]\n", None),
        ("[image]\nsources = [\"https://git.example.com/**\"]\n", Some("other_provenance")),
        ("[image]\nmax-age-days = 10\n", None),
        ("[image]\nmax-age-days = 9\n", Some("too_old")),
        ("[evidence]\nimage = [\"policy\", \"spdx\"]\n", None),
        ("[evidence]\nimage = [\"cyclonedx\"]\n", Some("missing_evidence")),
        ("[evidence]\nindex = [\"provenance\"]\n", Some("missing_evidence")),
        ("[evidence]\nimage = [\"https://example.org/review/v1\"]\n", Some("missing_evidence")),
        ("[waivers]\nallow = [\"setuid\"]\n", None),
        ("[waivers]\nallow = []\n", Some("waiver")),
        ("[licences]\nallow = [\"MIT\", \"Apache-2.0\", \"BSD-*\"]\n", None),
        ("[licences]\nallow = [\"MIT\", \"Apache-2.0\"]\n", Some("licence")),
        ("[licences]\ndeny = [\"GPL-*\"]\n", None),
        ("[licences]\ndeny = [\"Apache-2.0\"]\n", Some("licence")),
        ("[licences]\nunknown = \"refuse\"\n", Some("unknown_licence")),
    ] {
        let found = held(&key, text);
        assert_eq!(codes(&found), expected.into_iter().collect::<Vec<_>>(), "{text}\n{found}");
    }
}

#[test]
fn times_of_keys() {
    let key = Key::default();
    let made = Made::signed(&key);
    let found = |more: &str| codes(&made.verify_with(&[], &policy(&key_table("ci", &key, more)).unwrap()));
    assert_eq!(found("valid-from = 2026-01-01\nvalid-until = 2027-01-01"), FINE);
    let expired = found("valid-until = 2026-06-01T12:00:00Z");
    assert_eq!(expired[0], "not_signed(expired_key)");
    assert_eq!(found("valid-from = 2026-06-02")[0], "not_signed(key_not_yet_valid)");
    let revoked = key_table("ci", &key, "revoked = \"the laptop was stolen\"");
    let revoked = policy(&revoked).unwrap();
    assert_eq!(codes(&made.verify_with(&[], &revoked))[0], "not_signed(revoked_key)");
    // Giving the same key by hand does not clear it.
    assert_eq!(codes(&made.verify_with(&[key.trusted("given")], &revoked))[0], "not_signed(revoked_key)");
}

#[test]
fn a_time_that_the_signer_states_is_believed_where_that_is_asked_for() {
    let key = Key::default();
    let mut made = Made::signed(&key);
    let (image, ended) = (made.image.clone(), "valid-until = 2026-05-01");
    let believed = "[signatures]\ntime = \"asserted\"\n".to_owned() + &key_table("ci", &key, ended);
    let not_believed = key_table("ci", &key, ended);
    let revoked = believed.clone() + "revoked = \"stolen\"\n";
    let found = |made: &Made, text: &str| codes(&made.verify_with(&[], &policy(text).unwrap()));
    let run = |date: &str| key.bundle(&statement(&digest(&image), RUN, run(date, json!([]))));
    made.attach(&image, RUN, &run("2026-05-02T00:00:00Z"));
    assert_eq!(found(&made, &believed)[0], "not_signed(expired_key)", "it says itself that it was too late");
    made.attach(&image, RUN, &run("2026-04-01T00:00:00Z"));
    assert_eq!(found(&made, &believed), FINE);
    assert_eq!(found(&made, &not_believed)[0], "not_signed(expired_key)");
    assert_eq!(found(&made, &revoked)[0], "not_signed(revoked_key)");
    // Another key's word is not that of this one.
    let (mut made, other) = (Made::signed(&key), Key::default());
    made.attach(
        &image,
        RUN,
        &other.bundle(&statement(&digest(&image), RUN, crate::made::run("2026-04-01T00:00:00Z", json!([])))),
    );
    assert_eq!(found(&made, &believed)[0], "not_signed(expired_key)");
}

#[test]
fn sandboxes_as_applied() {
    let key = Key::default();
    let with = |sandbox: Option<serde_json::Value>, text: &str| {
        let mut made = Made::unsigned();
        let (image, index) = (made.image.clone(), made.index.clone());
        let mut built = provenance();
        built["buildDefinition"]["internalParameters"] =
            json!({ "builds": [{ "name": "sample", "derivation": "ab", "platform": "linux/amd64" }] });
        made.attach(&index, SIGN, &key.bundle(&statement(&digest(&index), SIGN, json!({}))));
        let mut all = vec![(SIGN, json!({})), (PROVENANCE, built), (SPDX, super::made::spdx())];
        all.extend(sandbox.map(|sandbox| {
            let build = json!({ "name": "sample", "derivation": "ab", "sandbox": sandbox });
            (RUN, run("2026-05-01T00:00:00Z", json!([build])))
        }));
        for (kind, predicate) in all {
            made.attach(&image, kind, &key.bundle(&statement(&digest(&image), kind, predicate)));
        }
        codes(&made.verify_with(&[], &policy(&(text.to_owned() + &key_table("ci", &key, ""))).unwrap()))
    };
    let whole = || {
        json!({
            "namespaces": ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"],
            "seccomp": "00", "missing": [],
        })
    };
    let lacking = |field: &str, value: serde_json::Value| {
        let mut sandbox = whole();
        sandbox[field] = value;
        Some(sandbox)
    };
    assert_eq!(with(Some(whole()), "[sandbox]\n"), FINE);
    assert_eq!(with(None, "[sandbox]\n"), ["missing_evidence"]);
    assert_eq!(with(lacking("namespaces", json!(["user"])), "[sandbox]\n"), ["sandbox"]);
    assert_eq!(with(lacking("seccomp", json!("")), "[sandbox]\n"), ["sandbox"]);
    assert_eq!(with(lacking("missing", json!(["Landlock"])), "[sandbox]\n"), ["sandbox"]);
    assert_eq!(with(lacking("missing", json!(["Landlock"])), "[sandbox]\nmay-miss = [\"Landlock\"]\n"), FINE);
    // The machine that signed knows nothing of the build.
    let other = |text: &str| {
        let mut made = Made::signed(&key);
        let image = made.image.clone();
        let mut built = provenance();
        built["buildDefinition"]["internalParameters"] =
            json!({ "builds": [{ "name": "x", "derivation": "cd" }] });
        made.attach(&image, PROVENANCE, &key.bundle(&statement(&digest(&image), PROVENANCE, built)));
        made.attach(
            &image,
            RUN,
            &key.bundle(&statement(&digest(&image), RUN, run("2026-05-01T00:00:00Z", json!([])))),
        );
        codes(&made.verify_with(&[], &policy(&(text.to_owned() + &key_table("ci", &key, ""))).unwrap()))
    };
    assert_eq!(other("[sandbox]\n"), ["sandbox"]);
    assert_eq!(other("[sandbox]\nunrecorded = \"allow\"\n"), FINE);
    // Nothing was executed.
    assert_eq!(codes(&held(&key, "[sandbox]\n")), FINE);
}

#[test]
fn a_builder_counts_once() {
    let (one, two, three) = (Key::default(), Key::default(), Key::default());
    let mut made = Made::signed(&one);
    made.sign(&two);
    let builder = format!("builder = \"{BUILDER}\"");
    let wanted = "[signatures]\nbuilders = 2\n";
    let of_one = [wanted, &key_table("one", &one, &builder), &key_table("two", &two, &builder)].concat();
    let of_one = policy(&of_one).unwrap();
    assert_eq!(codes(&made.verify_with(&[], &of_one)), ["too_few_builders"]);
    let of_two = [wanted, &key_table("one", &one, &builder), &key_table("two", &two, "")].concat();
    assert_eq!(codes(&made.verify_with(&[], &policy(&of_two).unwrap())), FINE);
    // The same signature twice is one too.
    let image = made.image.clone();
    made.attach(&image, SIGN, &three.bundle(&statement(&digest(&image), SIGN, json!({}))));
    let third = [wanted, &key_table("one", &one, &builder), &key_table("three", &three, "")].concat();
    let found = made.verify_with(&[], &policy(&third).unwrap());
    assert_eq!(
        codes(&found),
        ["too_few_builders(unknown_key)"],
        "the index has one signature, the image two"
    );
}

#[test]
fn a_builders_key_speaks_for_that_builder() {
    let key = Key::default();
    let made = Made::signed(&key);
    let text = key_table("ci", &key, "builder = \"https://other.example.org\"");
    assert_eq!(codes(&made.verify_with(&[], &policy(&text).unwrap())), ["missing_evidence(other_builder)"]);
}

#[test]
fn one_provenance_that_is_allowed_is_enough() {
    let (ci, rebuilder) = (Key::default(), Key::default());
    let mut made = Made::signed(&ci);
    let image = made.image.clone();
    let mut other = provenance();
    other["runDetails"]["builder"]["id"] = json!("https://example.net/me");
    made.attach(&image, PROVENANCE, &rebuilder.bundle(&statement(&digest(&image), PROVENANCE, other)));
    let summary = |result: &str| json!({ "verificationResult": result, "verifiedLevels": [] });
    let kind = "https://slsa.dev/verification_summary/v1";
    made.attach(&image, kind, &rebuilder.bundle(&statement(&digest(&image), kind, summary("PASSED"))));
    let text = [
        &format!(
            "[provenance]\nbuilders = [\"{BUILDER}\"]\n[evidence]\nimage = [\"verification-summary\"]\n"
        ),
        &key_table("ci", &ci, ""),
        &key_table("rebuilder", &rebuilder, ""),
    ]
    .map(String::as_str)
    .concat();
    let policy = policy(&text).unwrap();
    assert_eq!(codes(&made.verify_with(&[], &policy)), FINE);
    // A rebuilder who found a difference is not outvoted.
    made.attach(&image, kind, &rebuilder.bundle(&statement(&digest(&image), kind, summary("FAILED"))));
    assert_eq!(codes(&made.verify_with(&[], &policy)), ["rebuild_failed"]);
}

#[test]
fn signed_documents_of_another_shape() {
    let key = Key::default();
    let mut made = Made::signed(&key);
    let image = made.image.clone();
    let odd = json!({ "packages": "none" });
    made.attach(&image, SPDX, &key.bundle(&statement(&digest(&image), SPDX, odd)));
    let text = "[licences]\ndeny = [\"AGPL-*\"]\n".to_owned() + &key_table("ci", &key, "");
    assert_eq!(codes(&made.verify_with(&[], &policy(&text).unwrap())), ["strange_evidence"]);
}

#[test]
fn policies_that_cannot_be_used() {
    let key = Key::default();
    let pem = key.pem();
    for (text, line, message, help) in [
        ("[licenses]\n", 2, "`licenses` is no part of a policy", "did you mean `licences`?"),
        ("[licences]\nalow = []\n", 3, "`alow` is no key of `[licences]`", "did you mean `allow`?"),
        ("[[key]]\nnmae = \"x\"\n", 3, "`nmae` is no key of `[key]`", "did you mean `name`?"),
        ("[waivers]\nallow = [\"setuit\"]\n", 3, "there is no rule `setuit`", "did you mean `setuid`?"),
        (
            "[evidence]\nimage = [\"provenence\"]\n",
            3,
            "`provenence` is no kind of evidence",
            "did you mean `provenance`?",
        ),
        ("[signatures]\nbuilders = 0\n", 3, "at least one builder has to sign", "refuse"),
        (
            "[signatures]\ntime = \"assert\"\n",
            3,
            "`assert` is none of the values",
            "did you mean `asserted`?",
        ),
        ("[image]\nmax-age-days = \"9\"\n", 3, "invalid type", ""),
        ("[image\n", 2, "", ""),
        ("[provenance]\nrecipes = [\"[\"]\n", 3, "this is no pattern", "**"),
        ("[[key]]\nname = \"x\"\n", 3, "not exactly one of `file` and `pem`", ".pub"),
        ("[[key]]\nname = \"x\"\npem = \"x\"\n", 3, "`x` is no public key", "keygen"),
        (
            "[[key]]\nname = \"x\"\npem = \"\"\"PEM\"\"\"\nvalid-until = 2026-01-01T00:00:00+02:00\n",
            8,
            "not in UTC",
            "2026-01-31",
        ),
    ] {
        let text = text.replace("PEM", &pem);
        let error = policy(&text).unwrap_err();
        assert_eq!(error.code().unwrap().to_string(), "hbuild::verify::bad_policy");
        let (said, helped) = (error.to_string(), error.help().unwrap().to_string());
        assert!(said.contains(message), "{text}: {said}");
        assert!(said.starts_with(&format!("policy.toml:{line}:")) || line == 8, "{text}: {said}");
        assert!(helped.contains(help), "{text}: {helped}");
    }
    let missing = policy("[[key]]\nname = \"x\"\nfile = \"x.pub\"\n").unwrap_err();
    assert_eq!(missing.code().unwrap().to_string(), "hbuild::verify::unreadable_key");
    let twice = key_table("a", &key, "") + &key_table("b", &key, "");
    assert!(policy(&twice).unwrap_err().to_string().contains("there twice"));
}
