//! X.509 certificates in PEM, as far as a CA bundle needs them: the subject's hash by which OpenSSL finds a
//! certificate in a folder.

/// A certificate of a PEM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemCertificate {
    /// Its DER encoding.
    pub der: Vec<u8>,
}

impl PemCertificate {
    /// The first certificate in `pem`, or what is wrong with it.
    pub fn parse(pem: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(pem).map_err(|_| "it is not text")?;
        let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----").ok_or("it holds no certificate")?;
        let (body, _) = rest.split_once("-----END CERTIFICATE-----").ok_or("it ends too early")?;
        Ok(Self { der: base64(body).ok_or("its base64 is bad")? })
    }

    /// The hash of its subject, for the link `<hash>.0`.
    pub fn subject_hash(&self) -> Result<u32, &'static str> {
        subject_hash(&self.der).ok_or("its DER is malformed")
    }
}

/// The hash that `openssl x509 -subject_hash` prints: the first four bytes, least significant first, of SHA-1
/// over the subject's canonical form. `None` for what is not a certificate.
pub fn subject_hash(der: &[u8]) -> Option<u32> {
    let (certificate, _) = element(der, 0x30)?;
    let (body, _) = element(certificate, 0x30)?;
    // version [0], serial number, signature algorithm, issuer, validity, subject
    let mut rest = if body.first() == Some(&0xa0) { element(body, 0xa0)?.1 } else { body };
    for tag in [0x02, 0x30, 0x30, 0x30] {
        rest = element(rest, tag)?.1;
    }
    let (subject, _) = element(rest, 0x30)?;
    let digest = sha1(&canonical_name(subject)?);
    Some(u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]))
}

/// The canonical form of a name: its sets one after the other, texts as UTF-8 in lower case with single blanks.
fn canonical_name(mut name: &[u8]) -> Option<Vec<u8>> {
    let mut canonical = Vec::new();
    while !name.is_empty() {
        let (mut set, rest) = element(name, 0x31)?;
        name = rest;
        let mut attributes = Vec::new();
        while !set.is_empty() {
            let (attribute, rest) = element(set, 0x30)?;
            set = rest;
            let (_, after) = element(attribute, 0x06)?;
            let oid = &attribute[..attribute.len() - after.len()];
            let mut body = oid.to_vec();
            body.extend(canonical_value(after)?);
            attributes.push(encode(0x30, &body));
        }
        attributes.sort();
        canonical.extend(encode(0x31, &attributes.concat()));
    }
    Some(canonical)
}

fn canonical_value(value: &[u8]) -> Option<Vec<u8>> {
    let tag = *value.first()?;
    let (bytes, rest) = element(value, tag)?;
    if !rest.is_empty() {
        return None;
    }
    let wide = |width: usize| {
        let characters = bytes.chunks(width).map(|chunk| {
            let number = chunk.iter().fold(0u32, |number, &byte| (number << 8) | u32::from(byte));
            char::from_u32(number)
        });
        (bytes.len() % width == 0).then(|| characters.collect::<Option<String>>())?
    };
    let text = match tag {
        0x0c => String::from_utf8(bytes.to_vec()).ok()?,
        // PrintableString, T61String, IA5String, VisibleString: one byte a character
        0x13 | 0x14 | 0x16 | 0x1a => bytes.iter().map(|&byte| char::from(byte)).collect(),
        0x1c => wide(4)?,
        0x1e => wide(2)?,
        _ => return Some(value.to_vec()),
    };
    let blank = |character: char| matches!(character, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r');
    let words: Vec<&str> = text.split(blank).filter(|word| !word.is_empty()).collect();
    Some(encode(0x0c, words.join(" ").to_ascii_lowercase().as_bytes()))
}

/// The content of the element with this tag at the front, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0usize, |length, &byte| (length << 8) | usize::from(byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = (content.len() as u32).to_be_bytes();
    let digits = &length[length.iter().position(|&byte| byte != 0).unwrap_or(3)..];
    if content.len() >= 0x80 {
        out.push(0x80 | digits.len() as u8);
    }
    out.extend_from_slice(digits);
    out.extend_from_slice(content);
    out
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(out)
}

/// SHA-1 (FIPS 180-4): OpenSSL's names of links are made with it, no trust hangs on it.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut state = [0x6745_2301u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 8).next_multiple_of(64) - 8, 0);
    padded.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks_exact(64) {
        let mut words = [0u32; 80];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes(bytes.try_into().expect("four bytes"));
        }
        for at in 16..80 {
            words[at] = (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in words.into_iter().enumerate() {
            let (mix, constant) = match at / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6u32),
            };
            let next =
                a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(constant).wrapping_add(word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, value) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(value);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha1_gives_the_values_of_the_standard() {
        let hex = |bytes: [u8; 20]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hex(sha1(b"")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    }

    #[test]
    fn lengths_round_trip_and_damage_is_refused() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; length];
            assert_eq!(element(&encode(4, &content), 4), Some((&content[..], &[][..])), "{length}");
        }
        assert_eq!(element(&[0x30, 5, 1], 0x30), None);
        assert_eq!(element(&[0x30, 0x85, 1, 1, 1, 1, 1], 0x30), None);
        assert_eq!(subject_hash(&[0x30, 0x03, 0x30, 0x01, 0x02]), None);
        assert!(PemCertificate::parse(b"-----BEGIN CERTIFICATE-----\nAA").is_err());
    }

    #[test]
    fn texts_are_folded() {
        let value = encode(0x13, b"  Some \t ROOT  ");
        assert_eq!(canonical_value(&value), Some(encode(0x0c, b"some root")));
        let wide = encode(0x1e, &[0, b'A', 0, b' ', 0, b' ', 0, b'B']);
        assert_eq!(canonical_value(&wide), Some(encode(0x0c, b"a b")));
    }
}
