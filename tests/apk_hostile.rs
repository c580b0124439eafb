//! Packages of Alpine as they should not be, made and signed by the test.

mod apk_support;
mod support;

use std::sync::Arc;

use apk_support::{Entry, KEY, Package, Signer, checksum_of, control, gzip, keyring, tar, unpack};
use hbuild::distro::alpine::archive::{Expected, Identity, unpack_apk};
use hbuild::distro::alpine::checksum::Checksum;
use hbuild::distro::alpine::signature::Keyring;
use hbuild::distro::archive::{Limits, UnpackError};
use hbuild::tree::{EntryKind, MemoryContents, TreePath};
use miette::Diagnostic;
use tar::EntryType;

fn files() -> Vec<Entry> {
    vec![
        Entry::other("usr", EntryType::Directory, ""),
        Entry::file("usr/x", b"content").checked(),
        Entry::other("usr/l", EntryType::Symlink, "x").checked(),
        Entry::other("usr/h", EntryType::Link, "usr/x"),
        Entry::file("usr/large", &vec![7; 600_000]).checked(),
        Entry::file(".dummy", b"").checked(),
    ]
}

/// The code of the error with which this file is refused, where it is.
fn code(bytes: &[u8], checksum: Checksum, keyring: &Keyring) -> Option<String> {
    match unpack(bytes, checksum, keyring) {
        Ok(_) => None,
        Err(UnpackError::Archive(error)) => {
            assert!(error.to_string().starts_with("apk:x=1-r0:x86_64: "), "{error}");
            assert!(error.help().is_some());
            Some(error.code().unwrap().to_string().replace("hbuild::", ""))
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// The code for a package made of these segments, the second of which is its control.
fn code_of(segments: &[Vec<u8>], signer: &Signer) -> String {
    let checksum = segments.get(1).map_or(Checksum([0; 20]), |control| checksum_of(control));
    code(&segments.concat(), checksum, &signer.keyring()).unwrap_or_default()
}

/// The code for a package with these files.
fn code_with(files: &[Entry], signer: &Signer) -> String {
    code_of(&Package::new(files).segments(signer), signer)
}

fn signed_as(member: &str, signer: &Signer, hash: &str, control: &[u8]) -> Vec<u8> {
    gzip(&tar(&[Entry::file(member, &signer.sign(hash, control))], false))
}

#[test]
fn a_package_unpacks_to_files_scripts_and_lists() {
    let Some(signer) = Signer::new(2048) else { return };
    let mut package = Package::new(&files());
    package.scripts = vec![Entry::file(".post-install", b"#!/bin/sh\n"), Entry::file(".trigger", b"t")];
    let bytes = package.signed(&signer);
    let unpacked = unpack(&bytes, apk_support::checksum(&bytes), &signer.keyring()).unwrap();
    let names = |tree: &hbuild::tree::Tree| -> Vec<String> {
        tree.entries()
            .iter()
            .map(|entry| String::from_utf8_lossy(entry.path.as_bytes()).into_owned())
            .collect()
    };
    assert_eq!(names(&unpacked.0.tree), ["usr", "usr/h", "usr/l", "usr/large", "usr/x"]);
    let members = [".PKGINFO", ".post-install", ".trigger", "owners", "sha1sums"];
    assert_eq!(names(&unpacked.0.control), members);
    assert_eq!(control(&unpacked, ".post-install"), "#!/bin/sh\n");
    assert_eq!(control(&unpacked, "owners"), "");
    let sums = control(&unpacked, "sha1sums");
    let content = "040f06fd774092478d450774f5ba30c5da78acc8";
    let lines: Vec<&str> = sums.lines().collect();
    assert_eq!(lines[0], format!("{content}  usr/h"));
    assert_eq!(lines[1], "11f6ad8ec52a2984abaafd7c3b516503785c2072  usr/l");
    assert_eq!(lines[3], format!("{content}  usr/x"));
    assert_eq!(lines.len(), 4);
    let linked = unpacked.0.tree.get(&TreePath::new(b"usr/h").unwrap()).unwrap();
    assert!(matches!(linked.kind, EntryKind::File { link: Some(_), .. }));
}

#[test]
fn what_the_package_says_of_owners_is_listed() {
    let Some(signer) = Signer::new(2048) else { return };
    let mut file = Entry::file("a", b"").checked();
    file.owner = (190, "chrony");
    let bytes = Package::new(&[file.clone()]).signed(&signer);
    let unpacked = unpack(&bytes, apk_support::checksum(&bytes), &signer.keyring()).unwrap();
    assert_eq!(control(&unpacked, "owners"), "chrony:chrony  a\n");
    for odd in ["a:b", "a b", "\u{e9}"] {
        file.owner.1 = odd;
        assert_eq!(code_with(&[file.clone()], &signer), "archive::owner_name");
    }
}

#[test]
fn a_signature_by_a_key_of_the_keyring_must_hold() {
    let (Some(signer), Some(other)) = (Signer::new(2048), Signer::new(2048)) else { return };
    let [plain, control, data] = Package::new(&files()).segments(&signer);
    let with = |signatures: &[Vec<u8>]| {
        let bytes = [signatures.concat(), control.clone(), data.clone()].concat();
        code(&bytes, checksum_of(&control), &signer.keyring()).unwrap_or_default()
    };
    let own = |kind: &str, hash: &str| signed_as(&format!(".SIGN.{kind}.{KEY}"), &signer, hash, &control);
    assert_eq!(with(&[own("RSA", "-sha1")]), "");
    assert_eq!(with(&[own("RSA256", "-sha256")]), "");
    assert_eq!(with(&[own("RSA512", "-sha512")]), "");
    let foreign = signed_as(".SIGN.RSA.someone.rsa.pub", &other, "-sha1", &control);
    assert_eq!(with(&[foreign.clone(), plain.clone()]), "");
    assert_eq!(with(&[plain.clone(), foreign.clone()]), "");
    assert_eq!(with(&[]), "alpine::unsigned");
    assert_eq!(with(std::slice::from_ref(&foreign)), "alpine::other_key");
    assert_eq!(with(&[own("DSA", "-sha1")]), "alpine::other_key");
    assert_eq!(with(&[own("RSA", "-sha256")]), "alpine::bad_signature");
    assert_eq!(with(&[own("RSA256", "-sha1")]), "alpine::bad_signature");
    let forged = signed_as(&format!(".SIGN.RSA.{KEY}"), &other, "-sha1", &control);
    assert_eq!(with(std::slice::from_ref(&forged)), "alpine::bad_signature");
    assert_eq!(with(&[plain.clone(), forged]), "alpine::bad_signature");
    assert_eq!(with(&[signer.segment(&data)]), "alpine::bad_signature");
    let empty = gzip(&tar(&[Entry::file(&format!(".SIGN.RSA.{KEY}"), b"")], false));
    assert_eq!(with(&[empty]), "alpine::bad_signature");
    assert_eq!(with(&vec![plain.clone(); 6]), "alpine::no_control");
    let two = [plain, control.clone(), data.clone()].concat();
    assert_eq!(code(&two, checksum_of(&control), &Keyring::default()).unwrap(), "alpine::other_key");
    assert_eq!(code(&two, Checksum([1; 20]), &signer.keyring()).unwrap(), "alpine::other_package");
}

#[test]
fn keys_that_cannot_be_trusted_are_refused() {
    let (Some(weak), Some(good)) = (Signer::new(1024), Signer::new(2048)) else { return };
    let parse = |text: &str| Keyring::parse([("k.rsa.pub", text)]).map(drop);
    let code = |text: &str| parse(text).unwrap_err().code().unwrap().to_string();
    assert!(parse(&good.public).is_ok());
    assert_eq!(code(&weak.public), "hbuild::alpine::weak_key");
    let body = good.public.lines().nth(1).unwrap();
    for text in [
        "",
        "no key",
        &good.public.replace("PUBLIC KEY", "CERTIFICATE"),
        &good.public.replace(body, &body[4..]),
        &good.public.replace(body, &format!("{}{}", &body[..40], body)),
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwXdn\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----\n",
    ] {
        assert_eq!(code(text), "hbuild::alpine::bad_key", "{text}");
    }
}

#[test]
fn the_three_segments_stand_in_their_order_and_nothing_else_does() {
    let Some(signer) = Signer::new(2048) else { return };
    let [signature, control, data] = Package::new(&files()[..4]).segments(&signer);
    let (s, c, d) = (|| signature.clone(), || control.clone(), || data.clone());
    assert_eq!(code_of(&[s(), c(), d()], &signer), "");
    assert_eq!(code_of(&[b"ADB.pckg".to_vec()], &signer), "alpine::apk_v3");
    assert_eq!(code_of(&[b"ADBd\x12".to_vec()], &signer), "alpine::apk_v3");
    assert_eq!(code_of(&[b"<html>404</html>".to_vec()], &signer), "alpine::not_a_package");
    assert_eq!(code_of(&[], &signer), "archive::truncated");
    assert_eq!(code_of(&[d(), c()], &signer), "alpine::no_control");
    assert_eq!(code_of(&[s(), d(), c()], &signer), "alpine::no_control");
    assert_eq!(code_of(&[s(), c()], &signer), "archive::truncated");
    assert_eq!(code_of(&[s(), c(), d(), d()], &signer), "alpine::extra_segment");
    assert_eq!(code_of(&[s(), c(), d(), b"x".to_vec()], &signer), "archive::trailing_bytes");
    assert_eq!(code_of(&[s(), c(), d(), vec![0; 512]], &signer), "archive::trailing_bytes");
    assert_eq!(code_of(&[s(), c(), b"x".to_vec(), d()], &signer), "archive::damaged");
    assert_eq!(code_of(&[s(), c(), c(), d()], &signer), "archive::truncated");
    let good = [s(), c(), d()].concat();
    for at in 0..good.len() {
        let cut = code(&good[..at], checksum_of(&control), &signer.keyring());
        assert_eq!(cut.unwrap_or_default(), "archive::truncated", "cut at {at}");
    }
}

#[test]
fn every_flipped_bit_that_is_signed_is_found() {
    let Some(signer) = Signer::new(2048) else { return };
    let [signature, control, data] = Package::new(&files()[..4]).segments(&signer);
    let good = [&signature[..], &control, &data].concat();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        let refused = code(&bytes, checksum_of(&control), &signer.keyring());
        // Times and padding around a signature are nobody's; the tar in it has a checksum of its own.
        assert!(refused.is_some() || at < signature.len(), "byte {at} of {}", good.len());
    }
}

#[test]
fn a_control_segment_that_lies_is_refused() {
    let Some(signer) = Signer::new(2048) else { return };
    let package = Package::new(&files());
    let with = |change: &dyn Fn(&mut Package)| {
        let mut package = package.clone();
        change(&mut package);
        code_of(&package.segments(&signer), &signer)
    };
    assert_eq!(with(&|package| package.datahash = Some(String::new())), "alpine::no_datahash");
    assert_eq!(with(&|package| package.datahash = Some("00".repeat(32))), "alpine::wrong_datahash");
    assert_eq!(with(&|package| package.datahash = Some("00".repeat(31))), "alpine::bad_pkginfo");
    assert_eq!(with(&|package| package.info = "pkgname = x\n".to_owned()), "alpine::bad_pkginfo");
    assert_eq!(with(&|package| package.info.push_str("pkgname = y\n")), "alpine::bad_pkginfo");
    assert_eq!(with(&|package| package.info.push_str("nonsense\n")), "alpine::bad_pkginfo");
    let script = |entry: Entry| with(&|package| package.scripts.push(entry.clone()));
    assert_eq!(script(Entry::file("etc/passwd", b"")), "alpine::odd_member");
    assert_eq!(script(Entry::file(".a/b", b"")), "alpine::odd_member");
    assert_eq!(script(Entry::other(".trigger", EntryType::Symlink, "/bin/sh")), "alpine::odd_member");
    assert_eq!(
        script(Entry::file(".PKGINFO", b"pkgname = y\npkgver = 1\narch = z\n")),
        "archive::duplicate_entry"
    );
    assert_eq!(script(Entry::file(".trigger", &vec![0; 20 << 20])), "alpine::large_segment");
    let noise: Vec<u8> =
        (0_u32..5 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8 ^ at as u8).collect();
    assert_eq!(script(Entry::file(".trigger", &noise)), "alpine::large_segment");
    let of = |entries: &[Entry]| {
        let control = gzip(&tar(entries, false));
        code_of(&[signer.segment(&control), control, package.data.clone()], &signer)
    };
    assert_eq!(of(&[Entry::file(".post-install", b"")]), "alpine::no_control");
    assert_eq!(of(&[]), "alpine::no_control");
    assert_eq!(of(&[Entry::file(".PKGINFO", b"pkgname = \xff\n")]), "alpine::bad_pkginfo");
    let member = |name: &str, bytes: &[u8]| {
        let control = gzip(&package.control_tar());
        let right = Entry::file(&format!(".SIGN.RSA.{KEY}"), &signer.sign("-sha1", &control));
        let segment = gzip(&tar(&[right, Entry::file(name, bytes)], false));
        code_of(&[segment, control, package.data.clone()], &signer)
    };
    assert_eq!(member(".PKGINFO", b""), "alpine::odd_member");
    assert_eq!(member(".SIGN.RSA.x", &[0; 5000]), "alpine::odd_member");
    // Deflate blocks without content, without end.
    let empty = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0, 0, 0, 0xff, 0xff].repeat(1 << 20)].concat();
    assert_eq!(code_of(&[empty], &signer), "alpine::large_segment");
}

#[test]
fn contents_are_held_against_their_checksums() {
    let Some(signer) = Signer::new(2048) else { return };
    let wrong = |mut entry: Entry| {
        entry = entry.checked();
        match entry.kind {
            EntryType::Symlink => entry.link.push('x'),
            _ => entry.content[0] ^= 1,
        }
        code_with(&[entry], &signer)
    };
    assert_eq!(wrong(Entry::file("x", b"y")), "archive::wrong_checksum");
    assert_eq!(wrong(Entry::file("x", &vec![0; 1 << 20])), "archive::wrong_checksum");
    assert_eq!(wrong(Entry::other("x", EntryType::Symlink, "y")), "archive::wrong_checksum");
    let sum = |hex: &[u8]| {
        let link = Entry::other("y", EntryType::Link, "x").pax("APK-TOOLS.checksum.SHA1", hex);
        code_with(&[Entry::file("x", b"y").checked(), link], &signer)
    };
    assert_eq!(sum(b"95cb0bfd2977c761298d9624e4b4d4c72a39974a"), "");
    assert_eq!(sum(b"95cb0bfd2977c761298d9624e4b4d4c72a39974b"), "archive::wrong_checksum");
    assert_eq!(sum(b"95cb0bfd2977c761298d9624e4b4d4c72a3997"), "archive::bad_tar_header");
    assert_eq!(sum(b"+5cb0bfd2977c761298d9624e4b4d4c72a39974a"), "archive::bad_tar_header");
    assert_eq!(code_with(&[Entry::file("x", b"without one")], &signer), "");
}

#[test]
fn tricks_with_paths_and_headers_are_refused() {
    let Some(signer) = Signer::new(2048) else { return };
    let file = |name: &str| Entry::file(name, b"y").checked();
    let link = |name: &str, target: &str| Entry::other(name, EntryType::Symlink, target).checked();
    let hard = |name: &str, target: &str| Entry::other(name, EntryType::Link, target);
    let deep = file("x").pax("path", "d/".repeat(3000).as_bytes());
    let cases: Vec<(&str, Vec<Entry>)> = vec![
        ("absolute_path", vec![file("/etc/x")]),
        ("path_leaves_root", vec![file("usr/../../x")]),
        ("path_leaves_root", vec![file("../x")]),
        ("path_leaves_root", vec![file("./../x")]),
        ("whiteout_name", vec![file(".wh.x")]),
        ("path_leaves_root", vec![file("x").pax("path", b"usr/../../x")]),
        ("absolute_path", vec![file("x").pax("path", b"/x")]),
        ("irregular_path", vec![file("usr//x")]),
        ("irregular_path", vec![file("usr/a\nb")]),
        ("irregular_path", vec![file("x").pax("path", b"a\0b")]),
        ("whiteout_name", vec![file("usr/.wh.x")]),
        ("duplicate_entry", vec![file("x"), file("x")]),
        ("duplicate_entry", vec![file("x"), link("x", "y")]),
        ("through_symlink", vec![link("usr", "/etc"), file("usr/x")]),
        ("through_symlink", vec![file("usr/x"), link("usr", "/etc")]),
        ("below_file", vec![file("usr"), file("usr/x")]),
        ("bad_hard_link", vec![hard("x", "/etc/passwd")]),
        ("bad_hard_link", vec![hard("x", "../y")]),
        ("bad_hard_link", vec![hard("x", "y"), file("y")]),
        ("bad_hard_link", vec![file(".dummy"), hard("x", ".dummy")]),
        ("empty_symlink", vec![link("x", "")]),
        ("special_file", vec![Entry::other("dev/null", EntryType::Char, "")]),
        ("special_file", vec![Entry::other("dev/sda", EntryType::Block, "")]),
        ("special_file", vec![Entry::other("run/fifo", EntryType::Fifo, "")]),
        ("sparse_file", vec![file("x").pax("GNU.sparse.major", b"1")]),
        ("oversize_header", vec![deep]),
        ("oversize_header", vec![file("x").pax("comment", &vec![b'y'; 300 << 10])]),
        ("oversize_header", vec![file(&"x/".repeat(2)).pax("path", &[b'n'; 300])]),
        ("oversize_header", vec![link("x", "y").pax("linkpath", &vec![b'y'; 5000])]),
        ("bad_tar_header", vec![file("x").pax("size", b"-")]),
        ("number_out_of_range", vec![file("x").pax("uid", b"-1")]),
        ("number_out_of_range", vec![file("x").pax("size", b"-5")]),
    ];
    for (expected, entries) in cases {
        let found = code_with(&entries, &signer);
        assert_eq!(found, format!("archive::{expected}"), "{:?}", entries.last().map(|entry| &entry.name));
    }
    let huge: Vec<(String, Vec<u8>)> =
        (0..4).map(|at| (format!("SCHILY.xattr.user.{at}"), vec![0; 100 << 10])).collect();
    let mut xattrs = file("x");
    xattrs.pax.extend(huge);
    assert_eq!(code_with(&[xattrs], &signer), "archive::oversize_header");
}

#[test]
fn a_bomb_is_stopped() {
    let Some(signer) = Signer::new(2048) else { return };
    let small = Limits { free: 1 << 20, ratio: 10, entries: 100, ..Limits::default() };
    let refused = |files: &[Entry]| {
        let bytes = Package::new(files).signed(&signer);
        let keyring = signer.keyring();
        let expected = Expected { checksum: apk_support::checksum(&bytes), keyring: &keyring };
        let (length, mut sink) = (bytes.len() as u64, MemoryContents::default());
        let unpacked = unpack_apk(bytes.as_slice(), length, "apk:x", &expected, &small, &mut sink, &|| false);
        let Err(UnpackError::Archive(error)) = unpacked else { panic!("{unpacked:?}") };
        error.code().unwrap().to_string()
    };
    assert_eq!(refused(&[Entry::file("x", &vec![0; 8 << 20])]), "hbuild::archive::bomb");
    let many: Vec<Entry> = (0..200).map(|at| Entry::file(&format!("{at}"), b"")).collect();
    assert_eq!(refused(&many), "hbuild::archive::too_many_entries");
}

#[test]
fn a_fetch_knows_a_package_by_its_bytes() {
    let (Some(signer), Some(other)) = (Signer::new(2048), Signer::new(2048)) else { return };
    let [signature, control, data] = Package::new(&files()).segments(&signer);
    let ring = Arc::new(signer.keyring());
    let feed = |bytes: &[u8], size: usize| {
        let mut identity = Identity::new(checksum_of(&control), ring.clone());
        bytes.chunks(size).try_for_each(|chunk| identity.update(chunk))?;
        identity.finish()
    };
    let code = |bytes: &[u8]| {
        let codes = [1, 7, 1000, 1 << 20]
            .map(|size| feed(bytes, size).err().map(|error| error.code().unwrap().to_string()));
        assert!(codes.iter().all(|code| *code == codes[0]), "{codes:?}");
        codes[0].clone().unwrap_or_default()
    };
    let good = [&signature[..], &control, &data].concat();
    assert_eq!(code(&good), "");
    assert_eq!(code(&[&good[..], b"x"].concat()), "hbuild::alpine::wrong_datahash");
    assert_eq!(code(&good[..good.len() - 1]), "hbuild::alpine::wrong_datahash");
    assert_eq!(code(&good[..signature.len() + 10]), "hbuild::archive::truncated");
    assert_eq!(code(b""), "hbuild::archive::truncated");
    assert_eq!(code(b"<html>"), "hbuild::alpine::not_a_package");
    assert_eq!(code(&[&control[..], &data].concat()), "hbuild::alpine::unsigned");
    let foreign = [other.segment(&control), control.clone(), data.clone()].concat();
    assert_eq!(code(&foreign), "hbuild::alpine::bad_signature");
    assert_eq!(code(&Package::new(&files()[..2]).signed(&signer)), "hbuild::alpine::other_package");
    let strange = Identity::new(checksum_of(&control), Arc::new(keyring(&[])));
    assert!(strange.clone().update(&good).is_err());
}

/// Well signed, but with other bytes somewhere in the data: nothing panics, and no checksum is left unchecked.
#[test]
fn no_signed_bytes_make_it_panic() {
    let Some(signer) = Signer::new(2048) else { return };
    let plain = tar(&files()[..4], true);
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..100 {
        let mut changed = plain.clone();
        for _ in 0..=random(4) {
            let at = random(changed.len());
            changed[at] = random(256) as u8;
        }
        // Most headers are to pass their own check.
        for at in (0..changed.len()).step_by(512) {
            let is_header = plain[at..].get(257..262) == Some(b"ustar");
            if is_header && random(4) > 0 {
                let mut header = tar::Header::new_old();
                header.as_mut_bytes().copy_from_slice(&changed[at..at + 512]);
                header.set_cksum();
                changed[at..at + 512].copy_from_slice(header.as_bytes());
            }
        }
        let package = Package { data: gzip(&changed), ..Package::new(&[]) };
        let bytes = package.signed(&signer);
        if let Ok((trees, contents)) = unpack(&bytes, apk_support::checksum(&bytes), &signer.keyring()) {
            let kept = |entry: &hbuild::tree::Entry| match &entry.kind {
                EntryKind::File { digest, size, .. } => contents.blobs[digest].len() as u64 == *size,
                _ => true,
            };
            assert!(trees.tree.entries().iter().all(kept));
        }
    }
}
