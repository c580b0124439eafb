//! Effects of Alpine's scripts against the scripts themselves, run by the real apk in a folder of its own.

mod alpine_support;
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use alpine_support::made::Made;
use alpine_support::{ALL, merge_all, oracle, packages, parameters};
use hbuild_lang::recipe::Flavor;

const MIRROR: &str = "v3.20/main/x86_64";

/// Accounts in the ways that scripts make them, homes, and files of theirs.
const DAEMON: Made = Made {
    name: "daemon",
    info: "depend = other\n",
    scripts: &[
        (
            ".pre-install",
            "#!/bin/sh\n\nuser=daemon1\naddgroup -S $user 2>/dev/null\nadduser -S -D -h /var/lib/$user -s /sbin/nologin \
             -G $user -g $user $user 2>/dev/null\naddgroup -S -g 82 www-data\nadduser $user www-data\n\
             adduser -S -D -H bare\nadduser -SDH -u 705 -h /srv/fixed fixed\naddgroup -S -g 706 late\nexit 0\n",
        ),
        (
            ".post-install",
            "#!/bin/sh\nadduser -S -D -h /srv/data -G late late\nadd-shell '/bin/own'\nexit 0\n",
        ),
    ],
    files: &[
        "srv/",
        "srv/data/",
        "srv/data/file = x  640 9999:9998 daemon1:www-data",
        "srv/unknown = y  644 4321:4322 nobodyknows:nogrouphas",
        "srv/own/  750 9999:0 daemon1:root",
        "srv/own/x = 1",
        "var/",
        "var/lib/",
        "var/lib/daemon1/  700 9999:9998 daemon1:daemon1",
    ],
};

const OTHER: Made = Made {
    name: "other",
    info: "",
    scripts: &[(".pre-install", "#!/bin/sh\naddgroup -S zother\nadduser -S -D -H -G zother zother\n")],
    files: &["srv/"],
};

#[test]
fn accounts_homes_and_owners_are_those_that_the_scripts_make() {
    let (apk, packages) = match (oracle::apk(), packages(MIRROR, &ALL)) {
        (Ok(apk), Ok(packages)) => (apk, packages),
        (Err(reason), _) | (_, Err(reason)) => return support::skip(&reason),
    };
    let new = apk.install(&ALL).unwrap();
    let before = oracle::described(&new);
    apk.add_made(&[DAEMON, OTHER]).unwrap();
    let image = merge_all(&packages, &[DAEMON, OTHER], parameters(&packages, Flavor::Dev)).unwrap();
    assert_eq!(image.context.warnings(), Vec::<String>::new());
    let ours = apk.write(&image.context, &image.tree, "ours");
    let read = |folder: &Path, file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    for file in ["etc/passwd", "etc/group", "etc/shells"] {
        assert_eq!(read(&ours, file), read(&new, file), "{file}");
    }
    let accounts = |folder: &Path| {
        let lines: Vec<String> = read(folder, "etc/shadow").lines().map(str::to_owned).collect();
        lines.into_iter().map(|line| line.split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(accounts(&ours), accounts(&new));
    let (ours, theirs) = (oracle::described(&ours), oracle::described(&new));
    let of_them = |all: &BTreeMap<String, String>| {
        let mut all = all.clone();
        all.retain(|path, _| {
            !before.contains_key(path) && !path.starts_with("etc/") && !path.starts_with("lib/apk")
        });
        all
    };
    assert_eq!(of_them(&ours), of_them(&theirs));
    assert!(of_them(&ours).len() >= 6);
}

/// The certificates of the genuine package, with update-ca-certificates and c_rehash of the same.
#[test]
fn the_ca_bundle_and_its_links_are_those_of_the_trigger() {
    let genuine = packages("v3.19/main/x86_64", &["ca-certificates"]);
    let (apk, genuine) = match (oracle::apk(), genuine) {
        (Ok(apk), Ok(packages)) => (apk, packages),
        (Err(reason), _) | (_, Err(reason)) => return support::skip(&reason),
    };
    let image = alpine_support::merge(&genuine, parameters(&genuine, Flavor::Runtime));
    assert_eq!(image.context.warnings(), Vec::<String>::new());
    let ours = apk.write(&image.context, &image.tree, "ours");
    let unpack = ["-xzf", genuine[0].file.to_str().unwrap(), "--exclude=.*", "--warning=none", "-C"];
    oracle::run(Command::new("tar").args(unpack).arg(apk.root())).unwrap();
    apk.chroot("/usr/sbin/update-ca-certificates", &[]).unwrap();
    let certs = |folder: &Path| {
        let mut certs = oracle::described(&folder.join("etc/ssl/certs"));
        // The time of the bundle is that of the run.
        certs.values_mut().for_each(|line| *line = line.split(' ').take(4).collect::<Vec<_>>().join(" "));
        certs
    };
    let (ours, theirs) = (certs(&ours), certs(apk.root()));
    assert!(theirs.len() > 290, "{}", theirs.len());
    assert_eq!(ours, theirs);
}

/// Scripts of genuine packages: what is read of them leaves no warning, what is not known is named.
#[test]
fn scripts_that_do_more_are_named() {
    let names = ["chrony", "dhcpcd", "eudev", "openrc", "tiny-cloud-alpine"];
    let genuine = match packages("v3.19/main/x86_64", &names) {
        Ok(packages) => packages,
        Err(reason) => return support::skip(&reason),
    };
    let image = alpine_support::merge(&genuine, parameters(&genuine, Flavor::Runtime));
    assert_eq!(
        image.context.warnings(),
        [
            "the post-install of openrc runs ln, mkdir, rm; its effects are not in the image",
            "the post-install of tiny-cloud-alpine runs sed > /etc/tiny-cloud.conf; its effects are not in the image",
        ]
    );
    let made = Made {
        name: "mkinitfs",
        info: "triggers = /usr/share/kernel/*\n",
        scripts: &[(".trigger", "#!/bin/sh\nmkinitfs -o /boot/initramfs\n")],
        files: &["usr/", "usr/share/", "usr/share/kernel/"],
    };
    let quiet = merge_all(&[], std::slice::from_ref(&made), parameters(&[], Flavor::Dev)).unwrap();
    assert_eq!(quiet.context.warnings(), Vec::<String>::new(), "no kernel is there to wait for");
    let kernel =
        Made::new("linux", "", &["usr/", "usr/share/", "usr/share/kernel/", "usr/share/kernel/lts/"]);
    let image = merge_all(&[], &[made, kernel], parameters(&[], Flavor::Dev)).unwrap();
    let warning = "the trigger of mkinitfs runs mkinitfs; its effects are not in the image";
    assert_eq!(image.context.warnings(), [warning]);
}
