//! Private keys and the files they are kept in.

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::rand_core::{OsRng, RngCore};
use pkcs8::der::pem::PemLabel;
use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
use pkcs8::{
    DecodePrivateKey, EncodePrivateKey, EncryptedPrivateKeyInfo, LineEnding, PrivateKeyInfo, SecretDocument,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::PublicKey;

/// scrypt, as a passphrase is stretched: 16 MiB, five times. openssl refuses more than 32 MiB.
const LOG_COST: u8 = 14;
const BLOCK: u32 = 8;
const TIMES: u32 = 5;
/// What a key file may ask for.
const MOST_MEMORY: u64 = 256 << 20;
const MOST_TIMES: u64 = 32;
const MOST_ITERATIONS: u32 = 20_000_000;

/// Why a key file gives no key. It names no file, passphrase or byte of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic, Serialize, Deserialize)]
pub enum KeyFault {
    /// Not PEM, or of another kind.
    #[error("this is no private key in PKCS#8")]
    #[diagnostic(
        code(hbuild::signing::not_a_key),
        help(
            "make one with `hbuild keygen`, or turn yours into one: `openssl pkcs8 -topk8 -in OLD -out NEW`"
        )
    )]
    NotAKey,
    /// cosign's or sigstore's own form.
    #[error("this key is encrypted in cosign's own way, which is not PKCS#8")]
    #[diagnostic(
        code(hbuild::signing::cosign_key),
        help(
            "make a key with `hbuild keygen` and let cosign have it: `cosign import-key-pair --key NAME.key`; or sign \
             with `--signer` and a command that uses cosign's key"
        )
    )]
    Cosign,
    /// Another algorithm or curve.
    #[error("this is no key for ECDSA on the curve P-256")]
    #[diagnostic(
        code(hbuild::signing::other_algorithm),
        help("hbuild signs with P-256, which every verifier knows: make a key with `hbuild keygen`")
    )]
    OtherAlgorithm,
    /// A scheme of encryption that is too weak, too costly or unknown.
    #[error("the key is encrypted in a way that hbuild does not take")]
    #[diagnostic(
        code(hbuild::signing::other_encryption),
        help("encrypt it with scrypt and AES: `openssl pkcs8 -topk8 -scrypt -in OLD -out NEW`")
    )]
    OtherEncryption,
    /// The passphrase does not open it.
    #[error("the passphrase does not open the key")]
    #[diagnostic(
        code(hbuild::signing::wrong_passphrase),
        help("give the right one, on the terminal or in HBUILD_PASSPHRASE")
    )]
    WrongPassphrase,
    /// Encrypted, and nobody to ask.
    #[error("a passphrase is needed, and there is neither a terminal to ask on nor HBUILD_PASSPHRASE")]
    #[diagnostic(
        code(hbuild::signing::no_passphrase),
        help("set HBUILD_PASSPHRASE for this command, or run it on a terminal")
    )]
    NoPassphrase,
}

/// A private key: ECDSA on the curve P-256. Its memory is overwritten when it is dropped.
pub struct PrivateKey(SigningKey);

impl PrivateKey {
    /// A new key from the system's random numbers.
    pub fn generate() -> Self {
        Self(SigningKey::random(&mut OsRng))
    }

    /// Whether the file `pem` is encrypted, as far as its label tells.
    pub fn is_encrypted(pem: &str) -> bool {
        pem.contains(concat!("BEGIN ", "ENCRYPTED PRIVATE KEY"))
    }

    /// The key of a file without encryption.
    pub fn from_pem(pem: &str) -> Result<Self, KeyFault> {
        let document = document(pem, PrivateKeyInfo::PEM_LABEL)?;
        Self::of(&document)
    }

    /// The key of a file that `passphrase` opens.
    pub fn from_encrypted_pem(pem: &str, passphrase: &[u8]) -> Result<Self, KeyFault> {
        let document = document(pem, EncryptedPrivateKeyInfo::PEM_LABEL)?;
        let encrypted =
            EncryptedPrivateKeyInfo::try_from(document.as_bytes()).map_err(|_| KeyFault::OtherEncryption)?;
        let scheme = encrypted.encryption_algorithm.pbes2().ok_or(KeyFault::OtherEncryption)?;
        if !affordable(&scheme.kdf) {
            return Err(KeyFault::OtherEncryption);
        }
        let opened = encrypted.decrypt(passphrase).map_err(|error| match error {
            pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. }) => {
                KeyFault::OtherEncryption
            }
            _ => KeyFault::WrongPassphrase,
        })?;
        Self::of(&opened)
    }

    fn of(document: &SecretDocument) -> Result<Self, KeyFault> {
        PrivateKeyInfo::try_from(document.as_bytes()).map_err(|_| KeyFault::NotAKey)?;
        SigningKey::from_pkcs8_der(document.as_bytes()).map(Self).map_err(|_| KeyFault::OtherAlgorithm)
    }

    /// The file of the key: PKCS#8, encrypted with `passphrase` (PBES2: scrypt, AES-256-CBC), which openssl reads.
    pub fn to_encrypted_pem(&self, passphrase: &[u8]) -> Zeroizing<String> {
        const HOLDS: &str = "a key has an encoding, and the parameters are in range";
        let (mut salt, mut start) = ([0; 16], [0; 16]);
        OsRng.fill_bytes(&mut salt);
        OsRng.fill_bytes(&mut start);
        let cost = scrypt::Params::new(LOG_COST, BLOCK, TIMES, 32).expect(HOLDS);
        let parameters = Parameters::scrypt_aes256cbc(cost, &salt, &start).expect(HOLDS);
        let plain = self.0.to_pkcs8_der().expect(HOLDS);
        let plain = PrivateKeyInfo::try_from(plain.as_bytes()).expect(HOLDS);
        let encrypted = plain.encrypt_with_params(parameters, passphrase).expect(HOLDS);
        encrypted.to_pem(EncryptedPrivateKeyInfo::PEM_LABEL, LineEnding::LF).expect(HOLDS)
    }

    /// Its public key.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::of(*self.0.verifying_key())
    }

    /// The signature over `message`, an ECDSA-Sig-Value in DER. The same message has the same signature (RFC 6979).
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(message);
        signature.to_der().as_bytes().to_vec()
    }
}

fn document(pem: &str, wanted: &str) -> Result<SecretDocument, KeyFault> {
    if ["COSIGN", "SIGSTORE"].iter().any(|name| pem.contains(&format!("BEGIN ENCRYPTED {name} PRIVATE KEY")))
    {
        return Err(KeyFault::Cosign);
    }
    let (label, document) = SecretDocument::from_pem(pem.trim()).map_err(|_| KeyFault::NotAKey)?;
    if label == wanted { Ok(document) } else { Err(KeyFault::NotAKey) }
}

/// Whether a key derivation stays within bounds of memory and time.
fn affordable(kdf: &Kdf<'_>) -> bool {
    match kdf {
        Kdf::Scrypt(scrypt) => {
            let memory =
                u64::from(scrypt.block_size).saturating_mul(128).saturating_mul(scrypt.cost_parameter);
            memory <= MOST_MEMORY && u64::from(scrypt.parallelization) <= MOST_TIMES
        }
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= MOST_ITERATIONS,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::signing::SigningError;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// RFC 6979, A.2.5: P-256 with SHA-256.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let key = hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
        let key = PrivateKey(SigningKey::from_slice(&key).unwrap());
        for (message, r, s) in [
            (
                "sample",
                "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
                "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
            ),
            (
                "test",
                "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
                "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
            ),
        ] {
            let expected = Signature::from_slice(&[hex(r), hex(s)].concat()).unwrap();
            assert_eq!(key.sign(message.as_bytes()), expected.to_der().as_bytes());
            key.public_key().verify(message.as_bytes(), &key.sign(message.as_bytes())).unwrap();
        }
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let key = PrivateKey::generate();
        let file = key.to_encrypted_pem(b"secret");
        assert!(PrivateKey::is_encrypted(&file));
        let read = PrivateKey::from_encrypted_pem(&file, b"secret").unwrap();
        assert_eq!(read.public_key(), key.public_key());
        let public = key.public_key();
        assert_eq!(PublicKey::from_pem(&public.to_pem()).unwrap(), public);
        assert_eq!(PrivateKey::from_encrypted_pem(&file, b"Secret").err(), Some(KeyFault::WrongPassphrase));
        assert_eq!(PrivateKey::from_pem(&file).err(), Some(KeyFault::NotAKey));
        let plain = key.0.to_pkcs8_pem(LineEnding::LF).unwrap();
        assert_eq!(PrivateKey::from_pem(&plain).unwrap().public_key(), public);
        assert!(matches!(PublicKey::from_pem(&plain), Err(SigningError::BadPublicKey)));
        for end in [0, 1, 30, file.len() / 2, file.len() - 30] {
            assert!(PrivateKey::from_encrypted_pem(&file[..end], b"secret").is_err());
        }
    }

    #[test]
    fn what_would_take_too_much_is_refused_before_it_is_tried() {
        let key = PrivateKey::generate().0.to_pkcs8_der().unwrap();
        let key = PrivateKeyInfo::try_from(key.as_bytes()).unwrap();
        let salt = [0; 16];
        let scheme = Parameters::pbkdf2_sha256_aes256cbc(1000, &salt, &[0; 16]).unwrap();
        let file = key.encrypt_with_params(scheme, b"secret").unwrap();
        let mut bytes = file.as_bytes().to_vec();
        // The iteration count, 1000, becomes 32,744: still cheap.
        let at = bytes.windows(4).position(|window| window == [2, 2, 3, 0xe8]).unwrap();
        bytes[at + 2] = 0x7f;
        let pem = |bytes: &[u8]| {
            let document = SecretDocument::try_from(bytes.to_vec()).unwrap();
            document.to_pem(EncryptedPrivateKeyInfo::PEM_LABEL, LineEnding::LF).unwrap()
        };
        let read = PrivateKey::from_encrypted_pem(&pem(&bytes), b"secret");
        assert_eq!(read.err(), Some(KeyFault::WrongPassphrase));
        let costly = scrypt::Params::new(20, 8, 1, 32).unwrap();
        assert!(!affordable(&Parameters::scrypt_aes256cbc(costly, &salt, &[0; 16]).unwrap().kdf));
    }
}
