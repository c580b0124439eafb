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
