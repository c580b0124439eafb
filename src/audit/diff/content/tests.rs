//! What damaged contents do, and what a diff of lines is.

use proptest::prelude::*;

use super::*;

/// Small valid contents of every format, to be damaged.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let mut tar = ::tar::Builder::new(Vec::new());
    for name in ["a", "b"] {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(3);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, &b"xyz"[..]).unwrap();
    }
    let tar = tar.into_inner().unwrap();
    let ar = b"!<arch>\n//                                              6         `\nlong/\n\
        /0              0           0     0     644     3         `\nabc\n\
        #1/4            0           0     0     644     7         `\nnamexyz\n"
        .to_vec();
    let one = [1, 0, 0, 0];
    let local = [&b"PK\x03\x04\x14\0"[..], &[0; 12], &one, &one, &[1, 0, 0, 0], b"ax"].concat();
    let central = [&b"PK\x01\x02\x14\0\x14\0"[..], &[0; 12], &one, &one, &[1, 0], &[0; 16], b"a"].concat();
    let end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x20\0\0\0\0\0".to_vec();
    let zip = [local, central, end].concat();
    let mut elf = Vec::new();
    std::fs::File::open("/proc/self/exe").unwrap().take(4_096).read_to_end(&mut elf).unwrap();
    vec![
        ("x", zstd::encode_all(tar.as_slice(), 1).unwrap()),
        ("x.tar", tar),
        ("x.a", ar),
        ("x.zip", zip),
        ("x.pyc", b"\x6f\x0d\r\n\0\0\0\0\x01\x02\x03\x04\x05\0\0\0code of a module".to_vec()),
        (
            "x.gz",
            b"\x1f\x8b\x08\x08\x01\x02\x03\x04\x02\x03name\0\x4b\x4c\x4a\x06\0\xc2\x41\x24\x35\x03\0\0\0"
                .to_vec(),
        ),
        ("x.json", br#"{"a":[1,2,{"b":"10:00:00"}],"c":"/build/x"}"#.to_vec()),
        ("x.txt", b"one\ntwo at 2026-11-23 10:00:00\nthree\n".to_vec()),
        ("elf", elf),
    ]
}

#[test]
fn samples_are_what_they_are_called() {
    let formats: Vec<&str> =
        samples().iter().map(|(name, content)| Format::of(name, content).name()).collect();
    assert_eq!(formats, ["zstd", "tar", "ar", "zip", "pyc", "gzip", "json", "text", "elf"]);
    let budget = &mut Budget::default();
    let (ar, zip) = (&samples()[2].1, &samples()[3].1);
    let names = |members: Vec<Member<'_>>| members.into_iter().map(|it| it.name).collect::<Vec<_>>();
    assert_eq!(names(ar::members(ar).unwrap()), ["//", "long", "name"]);
    assert_eq!(names(zip::members(zip, budget).unwrap()), ["a"]);
}

proptest! {
    /// Whatever is damaged: nothing panics, and something is said of what is not the same.
    #[test]
    fn damage_is_named(
        sample in 0..9_usize,
        changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<u16>()),
    ) {
        let (name, original) = samples().swap_remove(sample);
        let mut changed = original.clone();
        for (at, byte) in changes {
            let at = usize::from(at) % changed.len();
            changed[at] = byte;
        }
        if let Some(cut) = cut {
            changed.truncate(usize::from(cut) % (changed.len() + 1));
        }
        if changed != original {
            for (left, right) in [(&original, &changed), (&changed, &original)] {
                let part = compare(name, "", left, right, &mut Budget::default());
                prop_assert!(!part.is_silent() || !part.causes.is_empty(), "{part:?}");
            }
        }
    }

    /// Any two texts: the lines that the diff takes away and adds turn one into the other.
    #[test]
    fn a_diff_leads_from_one_text_to_the_other(
        left in proptest::collection::vec("[ab]{0,2}", 0..12),
        right in proptest::collection::vec("[ab]{0,2}", 0..12),
    ) {
        let (one, other) = (left.join("\n") + "\n", right.join("\n") + "\n");
        let mut part = Part::new("", "text", Change::Changed);
        text::compare(&mut part, one.as_bytes(), other.as_bytes());
        let Some(text) = part.text else {
            prop_assert_eq!(one, other);
            return Ok(());
        };
        let count = |mark: char| text.lines.iter().filter(|line| line.starts_with(mark)).count();
        prop_assert_eq!((count('-'), count('+')), (text.removed, text.added));
        let lines = |text: &str| text.lines().count() as i64;
        prop_assert_eq!(lines(&other) - lines(&one), text.added as i64 - text.removed as i64);
    }
}
