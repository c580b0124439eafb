//! Images that somebody altered, and evidence that is worth nothing.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileExt, symlink};

use hbuild::audit::verify::{Policy, Verification};
use serde_json::{Value, json};

use crate::made::{BUNDLE, Key, Made, PROVENANCE, SIGN, codes, provenance, sha256, statement};
use crate::support::layouts::digest;

/// What is found of an image that `alter` altered after it was signed.
fn altered(alter: impl FnOnce(&mut Made, &Key)) -> Verification {
    let key = Key::default();
    let mut made = Made::signed(&key);
    assert_eq!(codes(&made.verify(&key)), Vec::<String>::new());
    alter(&mut made, &key);
    made.verify(&key)
}

/// What is found where the index alone is signed, and the image has this bundle as its signature.
fn with_signature(bundle: impl FnOnce(&Made, &Key) -> Vec<u8>) -> Vec<String> {
    let found = altered(|made, key| {
        let image = made.image.clone();
        let signature = bundle(made, key);
        made.detach(&image);
        made.attach(&image, SIGN, &signature);
        made.attach(&image, PROVENANCE, &key.bundle(&statement(&digest(&image), PROVENANCE, provenance())));
        let kind = "https://cyclonedx.org/bom";
        made.attach(
            &image,
            kind,
            &key.bundle(&statement(&digest(&image), kind, json!({ "components": [] }))),
        );
    });
    codes(&found)
}

fn signature(made: &Made) -> Value {
    statement(&digest(&made.image), SIGN, json!({}))
}

#[test]
fn a_flipped_bit_of_a_layer() {
    let found = altered(|made, _| {
        let path = made.path(&made.manifest()["layers"][1]);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    });
    assert_eq!(codes(&found), ["altered_blob"]);
    assert!(found.claims.iter().any(|claim| !claim.holds && claim.says.contains("layer 2 of linux/amd64")));
}

#[test]
fn blobs_that_are_cut_longer_or_gone() {
    let layer = |made: &Made| made.path(&made.manifest()["layers"][0]);
    let cut = altered(|made, _| {
        let file = fs::OpenOptions::new().write(true).open(layer(made)).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    });
    assert_eq!(codes(&cut), ["truncated_blob"]);
    let longer = altered(|made, _| {
        fs::OpenOptions::new().append(true).open(layer(made)).unwrap().write_all(b"x").unwrap();
    });
    assert_eq!(codes(&longer), ["longer_blob"]);
    let gone = altered(|made, _| fs::remove_file(layer(made)).unwrap());
    assert_eq!(codes(&gone), ["missing_blob"]);
    assert!(gone.problems.iter().all(|problem| problem.is_absence()));
}

#[test]
fn a_swapped_config() {
    // The config of another image, under the digest of this one's.
    let other = Made::unsigned();
    let swapped = altered(|made, _| {
        let mut config: Value =
            serde_json::from_slice(&fs::read(other.path(&other.manifest()["config"])).unwrap()).unwrap();
        config["config"]["User"] = json!("0:0");
        fs::write(made.path(&made.manifest()["config"]), config.to_string()).unwrap();
    });
    assert_eq!(codes(&swapped).len(), 1);
    assert!(["longer_blob", "altered_blob"].contains(&codes(&swapped)[0].as_str()), "{:?}", codes(&swapped));
    // In a manifest of its own the digests are right, and then nobody signed it.
    let renamed = altered(|made, _| {
        let mut manifest = made.manifest();
        let config =
            json!({ "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": [] } });
        manifest["config"] =
            made.blob(config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
        let entry = made.blob(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
        made.rename(&entry, "1");
    });
    assert_eq!(codes(&renamed), ["other_layers", "not_signed", "missing_evidence"]);
}

#[test]
fn evidence_of_another_image() {
    let key = Key::default();
    let (other, mut made) = (Made::signed(&key), Made::unsigned());
    // Everything of the other image, attached to this one.
    let mut manifest = made.manifest();
    manifest["annotations"]["org.example.other"] = json!("yes");
    let image = made.blob(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
    made.rename(&image, "1");
    for (kind, predicate) in [(SIGN, json!({})), (PROVENANCE, provenance())] {
        let bundle = key.bundle(&statement(&digest(&other.image), kind, predicate));
        made.attach(&image, kind, &bundle);
    }
    let found = made.verify(&key);
    assert_eq!(codes(&found)[0], "not_signed(other_subject)");
    // The artifacts as they are, only listed elsewhere.
    let mut made = Made::signed(&key);
    let (image, bundle) = (made.image.clone(), key.bundle(&signature(&other)));
    made.detach(&image);
    made.attach_listed(&other.index, &image, SIGN, &bundle);
    assert_eq!(codes(&made.verify(&key))[0], "not_signed(misplaced_referrer)");
}

#[test]
fn signatures_that_do_not_count() {
    assert_eq!(with_signature(|made, key| key.bundle(&signature(made))), Vec::<String>::new());
    // A right one by a key that nobody trusts.
    let other = Key::default();
    let found = with_signature(|made, _| other.bundle(&signature(made)));
    assert_eq!(found, ["not_signed(unknown_key)"]);
    // The trusted key's hint on another key's signature.
    let found = with_signature(|made, key| {
        let mut bundle: Value = serde_json::from_slice(&other.bundle(&signature(made))).unwrap();
        let own: Value = serde_json::from_slice(&key.bundle(&signature(made))).unwrap();
        bundle["verificationMaterial"] = own["verificationMaterial"].clone();
        bundle.to_string().into_bytes()
    });
    assert_eq!(found, ["not_signed(wrong_signature)"]);
    // Another statement below the signature.
    let found = with_signature(|made, key| {
        let mut bundle: Value =
            serde_json::from_slice(&key.bundle(&statement(&sha256(b"x"), SIGN, json!({})))).unwrap();
        let own: Value = serde_json::from_slice(&key.bundle(&signature(made))).unwrap();
        bundle["dsseEnvelope"]["payload"] = own["dsseEnvelope"]["payload"].clone();
        bundle.to_string().into_bytes()
    });
    assert_eq!(found, ["not_signed(wrong_signature)"]);
    // An attestation is no signature.
    let found = with_signature(|made, key| {
        key.bundle(&statement(&digest(&made.image), "https://example.org/scan/v1", json!({ "clean": true })))
    });
    assert_eq!(found, ["not_signed"]);
}

#[test]
fn statements_that_say_nothing_about_the_image() {
    let found = with_signature(|made, key| {
        let mut statement = signature(made);
        statement["subject"] = json!([{ "name": "sample:1" }]);
        key.bundle(&statement)
    });
    assert_eq!(found, ["not_signed(no_subject_digest)"]);
    let found = with_signature(|made, key| {
        let mut statement = signature(made);
        statement["subject"][0]["digest"] = json!({ "sha512": "00" });
        key.bundle(&statement)
    });
    assert_eq!(found, ["not_signed(no_subject_digest)"]);
    let found = with_signature(|made, key| {
        key.bundle_of(
            "application/vnd.dev.cosign.simplesigning.v1+json",
            signature(made).to_string().as_bytes(),
        )
    });
    assert_eq!(found, ["not_signed(other_payload)"]);
    let found = with_signature(|made, key| {
        let mut statement = signature(made);
        statement["_type"] = json!("https://example.org/Statement");
        key.bundle(&statement)
    });
    assert_eq!(found, ["not_signed(other_payload)"]);
    // Two subjects for two readers.
    let found = with_signature(|made, key| {
        let own = digest(&made.image).replace("sha256:", "");
        let text = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{}","sha256":"{own}"}}}}],"predicateType":"{SIGN}","predicate":{{}}}}"#,
            "0".repeat(64)
        );
        key.bundle_of("application/vnd.in-toto+json", text.as_bytes())
    });
    assert_eq!(found, ["not_signed(bad_statement)"]);
}

#[test]
fn bundles_that_are_none() {
    let edited = |edit: fn(&mut Value)| {
        with_signature(|made, key| {
            let mut bundle: Value = serde_json::from_slice(&key.bundle(&signature(made))).unwrap();
            edit(&mut bundle);
            bundle.to_string().into_bytes()
        })
    };
    let refused = ["not_signed(bad_bundle)"];
    // Two signatures, none, another version, base64 with something beside it.
    assert_eq!(
        edited(|bundle| {
            let signatures = bundle["dsseEnvelope"]["signatures"].as_array_mut().unwrap();
            signatures.push(signatures[0].clone());
        }),
        refused
    );
    assert_eq!(edited(|bundle| bundle["dsseEnvelope"]["signatures"] = json!([])), refused);
    assert_eq!(edited(|bundle| bundle["mediaType"] = json!("application/x")), refused);
    for tail in ["\n", "=", "!", "AAAA====", " "] {
        let found = with_signature(|made, key| {
            let mut bundle: Value = serde_json::from_slice(&key.bundle(&signature(made))).unwrap();
            let text = bundle["dsseEnvelope"]["payload"].as_str().unwrap().to_owned() + tail;
            bundle["dsseEnvelope"]["payload"] = json!(text);
            bundle.to_string().into_bytes()
        });
        assert_eq!(found, refused, "{tail:?}");
    }
    let found = with_signature(|made, key| {
        let text = String::from_utf8(key.bundle(&signature(made))).unwrap();
        text.replacen('{', "{\"mediaType\":\"application/x\",", 1).into_bytes()
    });
    assert_eq!(found, ["not_signed(duplicate_member)"]);
    let deep = [b"{\"mediaType\":".to_vec(), b"[".repeat(500_000)].concat();
    assert_eq!(with_signature(|_, _| deep), ["not_signed(too_deep)"]);
    assert_eq!(with_signature(|_, _| b"\x00\xff".to_vec()), ["not_signed(bad_json)"]);
}

#[test]
fn what_leads_out_of_the_layout() {
    let outside = tempfile::tempdir().unwrap();
    let moved = altered(|made, _| {
        let path = made.path(&made.manifest()["layers"][0]);
        fs::rename(&path, outside.path().join("layer")).unwrap();
        symlink(outside.path().join("layer"), &path).unwrap();
    });
    assert_eq!(codes(&moved), ["not_plain"]);
    let manifest = altered(|made, _| {
        let path = made.path(&made.image);
        fs::rename(&path, outside.path().join("manifest")).unwrap();
        symlink(outside.path().join("manifest"), &path).unwrap();
    });
    assert_eq!(codes(&manifest), ["not_plain"]);
    let folder = altered(|made, _| {
        fs::rename(made.folder.path().join("blobs"), outside.path().join("blobs")).unwrap();
        symlink(outside.path().join("blobs"), made.folder.path().join("blobs")).unwrap();
    });
    assert_eq!(codes(&folder), ["not_plain"]);
    for path in ["sha256:../../../../etc/passwd", "../index.json", "sha256:", "sha512:00", "sha256:AB"] {
        let found = altered(|made, _| {
            made.edit_index(|entries| entries[0]["digest"] = json!(path));
        });
        assert_eq!(codes(&found), ["bad_digest"], "{path}");
    }
    let layer = altered(|made, key| {
        let mut manifest = made.manifest();
        manifest["layers"][0]["digest"] = json!("sha256:../../../../etc/passwd");
        let image = made.blob(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
        made.rename(&image, "1");
        made.attach(&image, SIGN, &key.bundle(&statement(&digest(&image), SIGN, json!({}))));
    });
    assert_eq!(codes(&layer), ["bad_digest", "missing_evidence"]);
}

#[test]
fn documents_that_readers_would_differ_in() {
    let twice = altered(|made, _| {
        let path = made.folder.path().join("index.json");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replacen('{', "{\"manifests\":[],", 1)).unwrap();
    });
    assert_eq!(codes(&twice), ["bad_document"]);
    let replaced = |change: fn(&mut Value, &mut String)| {
        altered(|made, _| {
            let mut manifest = made.manifest();
            let mut media_type = "application/vnd.oci.image.manifest.v1+json".to_owned();
            change(&mut manifest, &mut media_type);
            let image = made.blob(manifest.to_string().as_bytes(), &media_type);
            made.rename(&image, "1");
        })
    };
    let both = replaced(|manifest, _| manifest["manifests"] = json!([]));
    assert_eq!(codes(&both), ["two_kinds"]);
    let other =
        replaced(|manifest, _| manifest["mediaType"] = json!("application/vnd.oci.image.index.v1+json"));
    assert_eq!(codes(&other), ["two_kinds"]);
    let lengths = altered(|made, key| {
        let mut manifest = made.manifest();
        let mut again = manifest["layers"][0].clone();
        again["size"] = json!(1);
        manifest["layers"][1] = again;
        let image = made.blob(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
        made.rename(&image, "1");
        made.attach(&image, SIGN, &key.bundle(&statement(&digest(&image), SIGN, json!({}))));
    });
    assert_eq!(codes(&lengths), ["two_lengths", "missing_evidence"]);
}

#[test]
fn documents_without_end() {
    // A manifest of 1 GB, said and not said: neither is read further than it may be.
    let large = |size: u64, stated: u64| {
        altered(|made, _| {
            let file = fs::File::create(made.path(&made.image)).unwrap();
            file.set_len(size).unwrap();
            file.write_all_at(b"{\"schemaVersion\":2,", 0).unwrap();
            let image = made.image.clone();
            let mut entry = image.clone();
            entry["size"] = json!(stated);
            made.rename(&entry, "1");
        })
    };
    assert_eq!(codes(&large(1 << 30, 1 << 30)), ["oversize_document"]);
    assert_eq!(codes(&large(1 << 30, 700)), ["longer_blob"]);
    let deep = altered(|made, _| {
        let text = "[".repeat(100_000);
        let image = made.blob(text.as_bytes(), "application/vnd.oci.image.manifest.v1+json");
        made.rename(&image, "1");
    });
    assert_eq!(codes(&deep), ["bad_document"]);
    let nested = altered(|made, _| {
        let mut index = made.index.clone();
        for _ in 0..20 {
            let bytes = json!({ "schemaVersion": 2, "manifests": [index] }).to_string();
            index = made.blob(bytes.as_bytes(), "application/vnd.oci.image.index.v1+json");
        }
        made.rename(&index, "1");
    });
    assert!(codes(&nested).contains(&"nested_indexes".to_owned()), "{:?}", codes(&nested));
    let many = altered(|made, _| {
        let entries = vec![made.image.clone(); 1001];
        let bytes = json!({ "schemaVersion": 2, "manifests": entries }).to_string();
        let index = made.blob(bytes.as_bytes(), "application/vnd.oci.image.index.v1+json");
        made.rename(&index, "1");
    });
    assert_eq!(codes(&many), ["too_many_parts"]);
    let bundle = altered(|made, key| {
        let image = made.image.clone();
        let own = statement(&digest(&image), "https://example.org/review/v1", json!({}));
        let artifact = made.attach(&image, SIGN, &key.bundle(&own));
        assert_eq!(artifact["layers"][0]["mediaType"], BUNDLE);
        fs::OpenOptions::new()
            .append(true)
            .open(made.path(&artifact["layers"][0]))
            .unwrap()
            .set_len(1 << 31)
            .unwrap();
    });
    assert_eq!(codes(&bundle), ["longer_blob"]);
}

#[test]
fn a_layer_that_unpacks_to_something_else() {
    let key = Key::default();
    let mut made = Made::unsigned();
    let mut manifest = made.manifest();
    let layers = manifest["layers"].as_array_mut().unwrap();
    layers.swap(0, 1);
    let image = made.blob(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
    made.image = image.clone();
    made.index = image.clone();
    made.rename(&image, "1");
    made.sign(&key);
    let keys = [key.trusted("release")];
    assert_eq!(codes(&made.verify_deep(&keys, &Policy::default(), false)), Vec::<String>::new());
    assert_eq!(codes(&made.verify_deep(&keys, &Policy::default(), true)), ["wrong_diff_id"]);
    let good = Made::signed(&key);
    assert_eq!(codes(&good.verify_deep(&keys, &Policy::default(), true)), Vec::<String>::new());
}

#[test]
fn what_anyone_attaches_changes_nothing() {
    let other = Key::default();
    let found = altered(|made, _| {
        let image = made.image.clone();
        made.attach(&image, SIGN, b"garbage");
        made.attach(&image, SIGN, &other.bundle(&signature(made)));
    });
    assert!(found.holds);
    let disregarded: Vec<_> =
        found.subjects[1].evidence.iter().filter_map(|one| one.code.as_deref()).collect();
    assert_eq!(disregarded, ["hbuild::evidence::bad_json", "hbuild::verify::unknown_key"]);
}
