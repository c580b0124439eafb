//! GnuPG with a home of its own: keys and signatures for tests, and gpgv as the judge.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A GnuPG home that goes with this value, its agent too.
pub struct Gpg {
    home: TempDir,
}

/// What gpgv says of a message, by apt's reading of its status lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// A signature by a key of the keyring that is neither expired nor revoked, and none that is bad.
    pub good: bool,
    /// The text it verified.
    pub text: Vec<u8>,
    /// Its status lines.
    pub status: String,
}

impl Gpg {
    /// A fresh home, or none where GnuPG is not installed.
    pub fn new() -> Option<Self> {
        let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
        if !there("gpg") || !there("gpgv") {
            return None;
        }
        let home = tempfile::Builder::new().prefix("hb-gpg").tempdir_in("/tmp").unwrap();
        Some(Self { home })
    }

    fn command(&self, time: Option<&str>) -> Command {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.home.path());
        command.args(["--batch", "--quiet", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""]);
        if let Some(time) = time {
            command.args(["--faked-system-time", time]);
        }
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn run(mut command: Command) -> Output {
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {error}");
        output
    }

    /// A new key for `name`, made at `time` if that is given; its fingerprint.
    pub fn key(&self, name: &str, algorithm: &str, usage: &str, expires: &str, time: Option<&str>) -> String {
        let mut command = self.command(time);
        command.args(["--quick-gen-key", name, algorithm, usage, expires]);
        Self::run(command);
        let mut command = self.command(None);
        command.args(["--with-colons", "--list-keys", name]);
        let listed = String::from_utf8(Self::run(command).stdout).unwrap();
        let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().to_owned()
    }

    /// Gives a key one more subkey.
    pub fn subkey(&self, fingerprint: &str, algorithm: &str, usage: &str, expires: &str, time: Option<&str>) {
        let mut command = self.command(time);
        command.args(["--quick-add-key", fingerprint, algorithm, usage, expires]);
        Self::run(command);
    }

    /// Revokes a key by the certificate that was made with it.
    pub fn revoke(&self, fingerprint: &str) {
        let file = self.home.path().join("openpgp-revocs.d").join(format!("{fingerprint}.rev"));
        let armor = std::fs::read_to_string(&file).unwrap().replace(":-----BEGIN", "-----BEGIN");
        std::fs::write(&file, armor).unwrap();
        let mut command = self.command(None);
        command.arg("--import").arg(file);
        Self::run(command);
    }

    /// Gives `certified` a certification by `by`.
    pub fn certify(&self, by: &str, certified: &str) {
        let mut command = self.command(None);
        command.args(["-u", by, "--quick-sign-key", certified]);
        Self::run(command);
    }

    /// The certificate of a key, in ASCII armour.
    pub fn armor(&self, fingerprint: &str) -> String {
        let mut command = self.command(None);
        command.args(["--armor", "--export", fingerprint]);
        String::from_utf8(Self::run(command).stdout).unwrap()
    }

    /// `text` clear-signed by `keys`, with more `options`.
    pub fn sign(&self, text: &[u8], keys: &[&str], options: &[&str], time: Option<&str>) -> Vec<u8> {
        let file = self.home.path().join("text");
        std::fs::write(&file, text).unwrap();
        let mut command = self.command(time);
        keys.iter().for_each(|key| {
            command.args(["-u", key]);
        });
        command.args(options).args(["--output", "-", "--clearsign"]).arg(file);
        Self::run(command).stdout
    }

    /// gpgv's verdict on `message`, by the certificates in `armors`.
    pub fn verdict(&self, message: &[u8], armors: &[&str]) -> Verdict {
        let (keyring, file) = (self.home.path().join("ring.gpg"), self.home.path().join("message"));
        std::fs::write(&keyring, dearmored(self.home.path(), armors)).unwrap();
        std::fs::write(&file, message).unwrap();
        let output = Command::new("gpgv")
            .arg("--homedir")
            .arg(self.home.path())
            .args(["--weak-digest", "SHA1", "--status-fd", "2", "--output", "-", "--keyring"])
            .args([&keyring, &file])
            .output()
            .unwrap();
        let status: String = String::from_utf8_lossy(&output.stderr)
            .lines()
            .filter(|line| line.starts_with("[GNUPG:]"))
            .map(|line| format!("{line}\n"))
            .collect();
        let bad = ["BADSIG", "EXPSIG", "NODATA"].iter().any(|word| status.contains(word));
        Verdict { good: status.contains("GOODSIG") && !bad, text: output.stdout, status }
    }
}

fn dearmored(home: &Path, armors: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for armor in armors {
        let file = home.join("armor");
        std::fs::write(&file, armor).unwrap();
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(home).args(["--batch", "--quiet", "--dearmor"]).arg("--output").arg("-");
        bytes.extend(
            Gpg::run({
                command.arg(file);
                command
            })
            .stdout,
        );
    }
    bytes
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let mut command = Command::new("gpgconf");
        command.arg("--homedir").arg(self.home.path()).args(["--kill", "gpg-agent"]);
        let _ = command.output();
    }
}
