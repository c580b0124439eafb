//! Signatures on InRelease files, against gpgv: what hbuild takes gpgv takes too, with the same text, and the
//! cases that matter are refused for the right reason.

mod mirror_support;
mod support;

use hbuild::distro::debian::signature::{CleartextError, KeyRefusal, Keyring, SignatureError, Verified};
use hbuild::host::clock;
use mirror_support::gpg::Gpg;

const TEXT: &str = "Suite: stable\nCodename: test \t\n- a dash\n-----BEGIN\n\nFrom here\nÜmlaut\n";

fn gpg() -> Option<Gpg> {
    let gpg = Gpg::new();
    if gpg.is_none() {
        support::skip("gpg and gpgv are not installed");
    }
    gpg
}

fn verify(message: &[u8], armors: &[&str]) -> Result<Verified, SignatureError> {
    let keyring = Keyring::parse(armors.iter().map(|armor| ("test.asc", *armor))).unwrap();
    keyring.verify(message, clock::now())
}

fn refusal(result: Result<Verified, SignatureError>) -> KeyRefusal {
    match result {
        Err(SignatureError::Refused(refused)) => refused[0].refusal.clone(),
        other => panic!("not refused for a key: {other:?}"),
    }
}

#[test]
fn what_gpgv_takes() {
    let Some(gpg) = gpg() else { return };
    let rsa = gpg.key("rsa", "rsa2048", "cert", "0", None);
    gpg.subkey(&rsa, "rsa2048", "sign", "0", None);
    let ed25519 = gpg.key("ed25519", "ed25519", "sign", "1y", None);
    let p256 = gpg.key("p256", "nistp256", "sign", "0", None);
    gpg.certify(&ed25519, &p256);
    let armors = [gpg.armor(&rsa), gpg.armor(&ed25519), gpg.armor(&p256)];
    let armors: Vec<&str> = armors.iter().map(String::as_str).collect();
    let crlf = TEXT.replace('\n', "\r\n");
    let texts = [TEXT, &crlf, "", "\n", "one line", "\n\n\n", "ends in blanks  \n\n\n", "a\n-\n- \n--\n"];
    for text in texts {
        for key in [&rsa, &ed25519, &p256] {
            let message = gpg.sign(text.as_bytes(), &[key], &["--digest-algo", "SHA512"], None);
            let verdict = gpg.verdict(&message, &armors);
            assert!(verdict.good, "{}", verdict.status);
            let verified = verify(&message, &armors).unwrap();
            let trimmed: Vec<&str> = text.lines().map(|line| line.trim_end_matches([' ', '\t'])).collect();
            assert_eq!(verified.text.trim_end_matches('\n'), trimmed.join("\n").trim_end_matches('\n'));
            let theirs = String::from_utf8(verdict.text).unwrap();
            let theirs: Vec<&str> = theirs.lines().map(|line| line.trim_end_matches([' ', '\t'])).collect();
            assert_eq!(verified.text.trim_end_matches('\n'), theirs.join("\n").trim_end_matches('\n'));
            let with_crlf = String::from_utf8(message).unwrap().replace("\r\n", "\n").replace('\n', "\r\n");
            assert!(gpg.verdict(with_crlf.as_bytes(), &armors).good);
            assert_eq!(verify(with_crlf.as_bytes(), &armors).unwrap(), verified);
        }
    }
    let by_two = gpg.sign(TEXT.as_bytes(), &[&rsa, &ed25519], &[], None);
    assert_eq!(verify(&by_two, &armors).unwrap().signed_by.len(), 2);
    assert_eq!(verify(&by_two, &armors[1..]).unwrap().signed_by, [ed25519]);
}

#[test]
fn what_gpgv_refuses() {
    let Some(gpg) = gpg() else { return };
    let good = gpg.key("good", "ed25519", "sign", "0", None);
    let other = gpg.key("other", "ed25519", "sign", "0", None);
    let armor = gpg.armor(&good);
    let message = gpg.sign(TEXT.as_bytes(), &[&good], &[], None);
    let text = String::from_utf8(message.clone()).unwrap();

    let tampered = text.replace("stable", "stabIe");
    assert!(!gpg.verdict(tampered.as_bytes(), &[&armor]).good);
    assert!(matches!(verify(tampered.as_bytes(), &[&armor]), Err(SignatureError::Tampered { .. })));

    assert!(!gpg.verdict(TEXT.as_bytes(), &[&armor]).good);
    let unsigned = verify(TEXT.as_bytes(), &[&armor]);
    assert_eq!(unsigned, Err(SignatureError::NotSigned(CleartextError::Unsigned)));

    let foreign = gpg.sign(TEXT.as_bytes(), &[&other], &[], None);
    assert!(!gpg.verdict(&foreign, &[&armor]).good);
    assert_eq!(verify(&foreign, &[&armor]), Err(SignatureError::OtherKey(vec![other])));

    // gpgv passes text around the message over; here nothing unsigned may stand in the file.
    for outside in [format!("Suite: evil\n{text}"), format!("{text}Suite: evil\n"), format!("{text}{text}")] {
        assert!(matches!(verify(outside.as_bytes(), &[&armor]), Err(SignatureError::NotSigned(_))));
    }

    let weak = gpg.sign(TEXT.as_bytes(), &[&good], &["--digest-algo", "SHA1"], None);
    assert!(!gpg.verdict(&weak, &[&armor]).good);
    assert_eq!(refusal(verify(&weak, &[&armor])), KeyRefusal::WeakHash);

    let old = gpg.key("old", "ed25519", "sign", "0", Some("20230101T000000!"));
    let (old_armor, later) = (gpg.armor(&old), Some("20240101T000000!"));
    let lasting = gpg.sign(TEXT.as_bytes(), &[&old], &[], later);
    assert!(gpg.verdict(&lasting, &[&old_armor]).good && verify(&lasting, &[&old_armor]).is_ok());
    let short = gpg.sign(TEXT.as_bytes(), &[&old], &["--default-sig-expire", "1d"], later);
    assert!(!gpg.verdict(&short, &[&old_armor]).good);
    assert_eq!(refusal(verify(&short, &[&old_armor])), KeyRefusal::Conditions);

    let future = gpg.sign(TEXT.as_bytes(), &[&good], &[], Some("20900101T000000!"));
    assert!(matches!(refusal(verify(&future, &[&armor])), KeyRefusal::Time { .. }));
}

#[test]
fn keys_that_do_not_count() {
    let Some(gpg) = gpg() else { return };
    let then = Some("20200101T000000!");
    let expired = gpg.key("expired", "rsa2048", "sign", "1y", then);
    let message = gpg.sign(TEXT.as_bytes(), &[&expired], &[], then);
    let armor = gpg.armor(&expired);
    assert!(!gpg.verdict(&message, &[&armor]).good);
    assert!(matches!(refusal(verify(&message, &[&armor])), KeyRefusal::Expired { .. }));
    let keyring = Keyring::parse([("test.asc", armor.as_str())]).unwrap();
    let back_then = "2020-06-01T00:00:00Z".parse().unwrap();
    assert!(keyring.verify(&message, back_then).is_ok(), "it held when it was made");
    assert!(keyring.verify(&message, "2019-12-01T00:00:00Z".parse().unwrap()).is_err());

    let subkey_expired = gpg.key("subkey", "ed25519", "cert", "0", then);
    gpg.subkey(&subkey_expired, "ed25519", "sign", "1y", then);
    let message = gpg.sign(TEXT.as_bytes(), &[&subkey_expired], &[], then);
    let armor = gpg.armor(&subkey_expired);
    assert!(!gpg.verdict(&message, &[&armor]).good);
    assert!(matches!(refusal(verify(&message, &[&armor])), KeyRefusal::Expired { .. }));

    let revoked = gpg.key("revoked", "ed25519", "sign", "0", None);
    let message = gpg.sign(TEXT.as_bytes(), &[&revoked], &[], None);
    let before = gpg.armor(&revoked);
    assert!(gpg.verdict(&message, &[&before]).good && verify(&message, &[&before]).is_ok());
    gpg.revoke(&revoked);
    let after = gpg.armor(&revoked);
    assert!(!gpg.verdict(&message, &[&after]).good);
    assert_eq!(refusal(verify(&message, &[&after])), KeyRefusal::Revoked);

    let short = gpg.key("short", "rsa1024", "sign", "0", None);
    let message = gpg.sign(TEXT.as_bytes(), &[&short], &[], None);
    assert_eq!(refusal(verify(&message, &[&gpg.armor(&short)])), KeyRefusal::Weak);
}

/// A certificate stripped of what binds its keys is no certificate.
#[test]
fn keys_need_their_self_signatures() {
    use pgp::composed::{ArmorOptions, Deserializable, SignedPublicKey};
    let Some(gpg) = gpg() else { return };
    let key = gpg.key("key", "ed25519", "cert", "0", None);
    gpg.subkey(&key, "ed25519", "sign", "0", None);
    let intruder = gpg.key("intruder", "ed25519", "cert", "0", None);
    gpg.subkey(&intruder, "ed25519", "sign", "0", None);
    let parse = |fingerprint: &str| SignedPublicKey::from_string(&gpg.armor(fingerprint)).unwrap().0;
    let armored = |key: &SignedPublicKey| key.to_armored_string(ArmorOptions::default()).unwrap();
    let message = gpg.sign(TEXT.as_bytes(), &[&intruder], &[], None);
    assert!(verify(&message, &[&gpg.armor(&intruder)]).is_ok());

    let mut grafted = parse(&key);
    grafted.public_subkeys.extend(parse(&intruder).public_subkeys);
    assert!(!gpg.verdict(&message, &[&armored(&grafted)]).good);
    assert_eq!(refusal(verify(&message, &[&armored(&grafted)])), KeyRefusal::NotBound);

    let mut stripped = parse(&intruder);
    stripped.details.users.clear();
    assert_eq!(refusal(verify(&message, &[&armored(&stripped)])), KeyRefusal::NotBound);
}

/// Whatever byte is changed: the message is refused, or what is believed is what was signed. gpgv is asked about
/// every change that is taken; it may only find fault with the part of a signature that no signature covers.
#[test]
fn no_change_of_a_byte_changes_what_is_believed() {
    let Some(gpg) = gpg() else { return };
    let key = gpg.key("key", "ed25519", "sign", "0", None);
    let armor = gpg.armor(&key);
    let message = gpg.sign(TEXT.as_bytes(), &[&key], &[], None);
    let original = verify(&message, &[&armor]).unwrap();
    let signature = message.windows(9).position(|window| window == b"SIGNATURE").unwrap();
    let mut taken = 0;
    for at in 0..message.len() {
        for change in [0x01, 0x20, 0x80] {
            let mut changed = message.clone();
            changed[at] ^= change;
            let Ok(verified) = verify(&changed, &[&armor]) else { continue };
            assert_eq!(verified, original, "byte {at} ^ {change:#x}");
            let verdict = gpg.verdict(&changed, &[&armor]);
            let uncovered = at > signature && verdict.status.contains("NODATA");
            assert!(verdict.good || uncovered, "byte {at} ^ {change:#x}: {}", verdict.status);
            taken += 1;
        }
    }
    assert!(taken < message.len() / 4, "changes taken: {taken}");
}

#[test]
fn real_suites() {
    let keys = |names: &[&str]| -> Vec<String> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/lang/std/keys");
        let path = |name: &&str| format!("{folder}/debian-archive-{name}.asc");
        names.iter().map(|name| std::fs::read_to_string(path(name)).unwrap()).collect()
    };
    let Some(gpg) = gpg() else { return };
    let cases = [
        ("debian", "bookworm", vec!["bookworm-automatic", "bookworm-stable"], 2),
        ("debian", "trixie", vec!["trixie-automatic", "trixie-stable"], 2),
        ("debian-security", "trixie-security", vec!["trixie-security-automatic"], 1),
        ("debian-security", "trixie-security", vec!["bookworm-security-automatic"], 1),
        ("debian", "bookworm", vec!["bookworm-security-automatic"], 0),
    ];
    for (repository, suite, names, signers) in cases {
        let Some(message) = mirror_support::repository::real(repository, &format!("dists/{suite}/InRelease"))
        else {
            return support::skip("no Debian mirror is within reach");
        };
        let armors = keys(&names);
        let armors: Vec<&str> = armors.iter().map(String::as_str).collect();
        let result = verify(&message, &armors);
        assert_eq!(result.is_ok(), gpg.verdict(&message, &armors).good, "{suite} {names:?}: {result:?}");
        assert_eq!(result.map_or(0, |verified| verified.signed_by.len()), signers, "{suite} {names:?}");
    }
}
