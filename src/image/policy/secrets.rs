//! The rule about private keys and passwords.

use std::io::Read;

use crate::tree::{ContentError, Contents, Entry, EntryKind};

/// Files of these names are secrets whatever they hold.
const NAMES: [&[u8]; 11] = [
    b".git-credentials",
    b".netrc",
    b".pgpass",
    b".pypirc",
    b".vault-token",
    b"id_dsa",
    b"id_ecdsa",
    b"id_ed25519",
    b"id_rsa",
    b"ssh_host_ed25519_key",
    b"ssh_host_rsa_key",
];
/// Files whose path ends so are secrets too.
const ENDS: [&[u8]; 3] = [b".aws/credentials", b".docker/config.json", b".kube/config"];
/// Key stores: always a secret.
const STORES: [&[u8]; 4] = [b".p12", b".pfx", b".jks", b".keystore"];
/// Files that are looked into for a private key in PEM.
const LOOKED_INTO: [&[u8]; 4] = [b".pem", b".key", b".pk8", b".asc"];
const FOLDERS: [&[u8]; 3] = [b"etc/ssl/private/", b"root/.ssh/", b"etc/ssh/"];
const MOST_BYTES: u64 = 256 * 1024;

/// What makes `entry` a secret.
pub(super) fn secret(entry: &Entry, contents: &dyn Contents) -> Result<Option<String>, ContentError> {
    let EntryKind::File { digest, size, .. } = &entry.kind else { return Ok(None) };
    let (path, name) = (entry.path.as_bytes(), entry.path.file_name());
    if *size == 0 {
        return Ok(None);
    }
    if NAMES.contains(&name) || ENDS.iter().any(|end| path.ends_with(end)) {
        return Ok(Some("has the name of a file with a key or password".to_owned()));
    }
    if STORES.iter().any(|end| name.ends_with(end)) {
        return Ok(Some("has the name of a key store".to_owned()));
    }
    let looked_into = LOOKED_INTO.iter().any(|end| name.ends_with(end))
        || FOLDERS.iter().any(|folder| path.starts_with(folder));
    if !looked_into {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    contents.open(digest)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(has_private_key(&bytes).then(|| "holds a private key".to_owned()))
}

/// Whether there is a line `-----BEGIN … PRIVATE KEY-----` or an armoured OpenPGP private key.
fn has_private_key(bytes: &[u8]) -> bool {
    bytes.split(|&byte| byte == b'\n').any(|line| {
        let line = line.trim_ascii();
        line.starts_with(b"-----BEGIN ")
            && (line.ends_with(b"PRIVATE KEY-----") || line.ends_with(b"PRIVATE KEY BLOCK-----"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_no_keys() {
        assert!(has_private_key(b"x\n-----BEGIN RSA PRIVATE KEY-----\nMII\n"));
        assert!(has_private_key(b"-----BEGIN PRIVATE KEY-----\r\n"));
        assert!(has_private_key(b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n"));
        assert!(!has_private_key(b"-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"));
        assert!(!has_private_key(b"text about -----BEGIN PRIVATE KEY----- lines\n"));
    }
}
