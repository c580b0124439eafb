//! Times in the first bytes of a file.

/// How many bytes are looked at.
pub(super) const LENGTH: usize = 32;

/// Takes the time out of a gzip header (RFC 1952).
pub(super) fn gzip(head: &mut [u8]) -> Option<&'static str> {
    if head.starts_with(&[0x1f, 0x8b, 8]) && head.len() >= 10 {
        head[4..8].fill(0);
    }
    None
}

/// Sets the source's time in the header of compiled Python to `epoch`, which is the time that all files of an
/// output have, so that Python still takes it for its source's (PEP 552).
pub(super) fn python(head: &mut [u8], epoch: i64) -> Option<&'static str> {
    // The numbers of Python 3.7 and later, whose header has flags. Those of Python 2 are far above.
    const FLAGS_SINCE: u16 = 3390;
    const PYTHON_2: u16 = 20_000;
    if head.len() < 16 || head[2..4] != *b"\r\n" {
        return None;
    }
    if !(FLAGS_SINCE..PYTHON_2).contains(&u16::from_le_bytes([head[0], head[1]])) {
        return Some("compiled by a Python before 3.7, it keeps the time of its source");
    }
    if head[4..8] == [0; 4] {
        head[8..12].copy_from_slice(&(epoch as u32).to_le_bytes());
    }
    None
}

/// Whether the first member of a zip archive has a time that is neither the format's first, 1980-01-01, nor
/// `epoch`'s date.
pub(super) fn zip(head: &[u8], epoch: i64) -> Option<&'static str> {
    const FIRST_DAY: u16 = 1 << 5 | 1;
    let member = head.starts_with(b"PK\x03\x04") && head.len() >= 14;
    let date = || u16::from_le_bytes([head[12], head[13]]);
    (member && date() != FIRST_DAY && date() != dos_date(epoch))
        .then_some("a zip archive keeps the times of its members")
}

/// The date of `epoch` as zip archives write it: years since 1980, month, day.
fn dos_date(epoch: i64) -> u16 {
    let text = crate::timestamp::Timestamp(epoch).to_string();
    let part =
        |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u16>().ok()).unwrap_or(0);
    part(0, 4).saturating_sub(1980) << 9 | part(5, 7) << 5 | part(8, 10)
}
