//! RSA signatures as apk v2 has them, of packages and of indexes: verification against a repository's keyring.
//!
//! Receives the bytes that are signed and the signatures; gives back the names of the keys whose signatures hold.
//! A signature names its key by the key's file name, as the files of `/etc/apk/keys` are called. Never reads a key
//! that the caller did not give: not the host's, and none that a repository ships.

use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512,
    RsaParameters, UnparsedPublicKey,
};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

/// What the name of a signature's member begins with.
pub const MEMBER_PREFIX: &str = ".SIGN.";

/// Shortest modulus that is trusted, in bits.
const LEAST_BITS: usize = 2048;
/// DER of the algorithm `rsaEncryption` with its parameter NULL (RFC 8017, appendix C).
const RSA_ENCRYPTION: [u8; 13] =
    [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// The keys that may sign a repository and its packages.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

#[derive(Debug, Clone)]
struct Key {
    name: String,
    /// DER of an RSAPublicKey (RFC 8017, A.1.1).
    der: Vec<u8>,
}

/// A signature, as a member of the signature segment gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name of the key, or all of the member's name where the kind is not known.
    pub key: String,
    /// How it is made; `None` for kinds that hbuild does not know.
    pub hash: Option<Hash>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The hash of an RSA signature (PKCS #1 v1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// `.SIGN.RSA.<key>`, what Alpine signs with.
    Sha1,
    /// `.SIGN.RSA256.<key>`.
    Sha256,
    /// `.SIGN.RSA512.<key>`.
    Sha512,
}

/// Why a text is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum KeyError {
    /// Not an RSA key in PEM form.
    #[error("the key `{name}` is no RSA public key in PEM form")]
    #[diagnostic(
        code(hbuild::alpine::bad_key),
        help("take the file as it lies in `/etc/apk/keys`; it begins with `-----BEGIN PUBLIC KEY-----`")
    )]
    Unreadable {
        /// Its name.
        name: String,
    },
    /// Too short.
    #[error("the key `{name}` has {bits} bits; at least {LEAST_BITS} are needed")]
    #[diagnostic(
        code(hbuild::alpine::weak_key),
        help("ask whoever signs the repository for a longer key: `abuild-keygen` makes keys of 4096 bits")
    )]
    Weak {
        /// Its name.
        name: String,
        /// Length of the modulus.
        bits: usize,
    },
}

/// Why no signature holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum SignatureError {
    /// There is none.
    #[error("it is not signed")]
    #[diagnostic(
        code(hbuild::alpine::unsigned),
        help("hbuild takes nothing unsigned, ever: use a mirror that has the file as it was signed")
    )]
    Unsigned,
    /// Only by keys that are not in the keyring.
    #[error("it is signed by {}, which is not in the repository's keyring", .0.join(", "))]
    #[diagnostic(
        code(hbuild::alpine::other_key),
        help(
            "if you trust that key, get it from its owner's own site and give it to a `repository` item of the recipe; otherwise use another mirror"
        )
    )]
    OtherKey(Vec<String>),
    /// By a key of the keyring, but over other bytes.
    #[error("the signature by {key} is not over these bytes: they were changed after signing")]
    #[diagnostic(
        code(hbuild::alpine::bad_signature),
        help("the file is damaged or someone changed it: use another mirror")
    )]
    Tampered {
        /// The key.
        key: String,
    },
}

impl Signature {
    /// The signature in the member `name` of a signature segment; `None` where the name is not one's.
    pub fn of_member(name: &str, bytes: Vec<u8>) -> Option<Self> {
        let rest = name.strip_prefix(MEMBER_PREFIX)?;
        let known = [("RSA.", Hash::Sha1), ("RSA256.", Hash::Sha256), ("RSA512.", Hash::Sha512)];
        let found = known.into_iter().find_map(|(kind, hash)| Some((rest.strip_prefix(kind)?, hash)));
        Some(match found {
            Some((key, hash)) => Self { key: key.to_owned(), hash: Some(hash), bytes },
            None => Self { key: name.to_owned(), hash: None, bytes },
        })
    }
}

impl Hash {
    fn parameters(self) -> &'static RsaParameters {
        match self {
            Self::Sha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
        }
    }
}

impl Keyring {
    /// The keyring of these keys: file name and PEM text of each.
    pub fn parse<'a>(keys: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, KeyError> {
        let keys = keys.into_iter().map(|(name, pem)| {
            let unreadable = || KeyError::Unreadable { name: name.to_owned() };
            let spki = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| unreadable())?;
            let (der, bits) = rsa_public_key(&spki).ok_or_else(unreadable)?;
            if bits < LEAST_BITS {
                return Err(KeyError::Weak { name: name.to_owned(), bits });
            }
            Ok(Key { name: name.to_owned(), der: der.to_vec() })
        });
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// The names of the keys of this keyring whose signatures on `message` hold, sorted: at least one. Signatures
    /// by other keys count for nothing; one by a key of the keyring that does not hold is an error even beside
    /// another that does.
    pub fn verify(&self, message: &[u8], signatures: &[Signature]) -> Result<Vec<String>, SignatureError> {
        let mut good = Vec::new();
        let mut unknown = Vec::new();
        for Signature { key, hash, bytes } in signatures {
            let named: Vec<&Key> = self.keys.iter().filter(|own| own.name == *key).collect();
            let Some(hash) = hash.filter(|_| !named.is_empty()) else {
                unknown.push(key.clone());
                continue;
            };
            let holds = |key: &&Key| {
                UnparsedPublicKey::new(hash.parameters(), &key.der).verify(message, bytes).is_ok()
            };
            if !named.iter().any(holds) {
                return Err(SignatureError::Tampered { key: key.clone() });
            }
            good.push(key.clone());
        }
        good.sort();
        good.dedup();
        match (good.is_empty(), unknown.is_empty()) {
            (false, _) => Ok(good),
            (true, false) => Err(SignatureError::OtherKey(unknown)),
            (true, true) => Err(SignatureError::Unsigned),
        }
    }
}

/// The RSAPublicKey in a SubjectPublicKeyInfo (RFC 5280, 4.1), and the length of its modulus in bits.
fn rsa_public_key(spki: &[u8]) -> Option<(&[u8], usize)> {
    const INTEGER: u8 = 0x02;
    const BIT_STRING: u8 = 0x03;
    const SEQUENCE: u8 = 0x30;
    let (info, rest) = element(SEQUENCE, spki)?;
    let (algorithm, bits) = element(SEQUENCE, info)?;
    let (bits, behind) = element(BIT_STRING, bits)?;
    let key = bits.strip_prefix(&[0])?;
    let (numbers, trailing) = element(SEQUENCE, key)?;
    let (modulus, _) = element(INTEGER, numbers)?;
    let plain = rest.is_empty() && behind.is_empty() && trailing.is_empty() && algorithm == RSA_ENCRYPTION;
    let zeros = modulus.iter().take_while(|&&byte| byte == 0).count();
    let first = modulus.get(zeros)?;
    plain.then(|| (key, (modulus.len() - zeros) * 8 - first.leading_zeros() as usize))
}

/// The content of the DER element with this tag at the start of `der`, and what stands behind it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = der.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81 | 0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x0f))?;
            (bytes.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}
