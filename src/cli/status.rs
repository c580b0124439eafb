//! Exit statuses (design section 11) by the codes of errors.

/// The status for an error with the code `code` (`hbuild::<stage>::<name>`). A code that is not listed is about
/// the recipe, the policy or a comparison. What the disk or the store refuses counts as an input that could not
/// be had: the recipe is right, and the same command may do once the machine is.
pub fn of_code(code: &str) -> u8 {
    let mut parts = code.split("::").skip(1);
    let (stage, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match (stage, name) {
        ("usage", _)
        | ("lock", "unknown_update")
        | (
            "host",
            "bad_ca_file"
            | "bad_configuration"
            | "bad_proxy"
            | "bad_url"
            | "in_the_way"
            | "settings_unreadable"
            | "bad_logins",
        )
        | ("image", "unknown_reference" | "ambiguous_reference")
        | ("bundle", "nothing_meant") => 2,
        ("bundle", "unfit_path") => 1,
        ("host", "bad_repository_url") | ("exec", "bad_location" | "not_reproducible") => 1,
        ("exec", "step_failed" | "no_output" | "special_output") => 4,
        ("exec", "bad_output" | "defect")
        | ("graph", "unknown_input")
        | ("image", "bad_manifest")
        | ("evidence", "wrong_action")
        | ("merge", "not_a_tree")
        | ("defect", _) => 70,
        ("sandbox", "command" | "no_failure" | "no_mount_point" | "shell") | ("store", "no_mount_point") => 1,
        ("sandbox", "output_too_large") => 4,
        ("sandbox", "no_root" | "not_filled") => 70,
        ("remote", "bad_reference" | "bad_tag" | "nothing_named" | "push_to_digest") => 2,
        ("remote", "tag_exists") => 1,
        ("bundle" | "host" | "archive" | "diff" | "store" | "exec" | "sandbox" | "remote", _) => 3,
        ("debian" | "alpine", name) if is_of_recipe(name) => 1,
        ("debian" | "alpine", _) => 3,
        ("lock", "cannot_keep" | "changed_bytes" | "changed_index" | "bad_entry" | "incomplete") => 3,
        ("merge", "content" | "whiteout_name" | "bad_control") => 3,
        ("image", name) if is_of_disk_or_input(name) => 3,
        ("evidence", "bad_report" | "damaged_statement" | "undecodable_index") => 3,
        ("evidence", "bad_attachment" | "bad_json" | "duplicate_member" | "too_deep") => 3,
        ("signing", "empty_passphrase" | "no_variable" | "passphrases_differ" | "stopped") => 2,
        ("signing", "other_subject" | "plain_key" | "wrong_signature") => 1,
        ("signing", _) => 3,
        ("verify", "bad_policy") => 2,
        ("verify", "missing_blob" | "unreadable_blob" | "unreadable_input" | "unreadable_key") => 3,
        ("reproduce", "bad_provenance" | "no_provenance" | "no_recipe") => 3,
        ("step", _) => 4,
        _ => 1,
    }
}

/// Whether an error of a distro is about what the recipe asks for, not about what the archive gives.
fn is_of_recipe(name: &str) -> bool {
    matches!(
        name,
        "bad_key"
            | "bad_request"
            | "no_architecture"
            | "no_component"
            | "no_keys"
            | "no_such_architecture"
            | "request_suite"
            | "two_pins"
            | "unknown_package"
            | "unknown_tag"
            | "unsolvable"
            | "version_not_available"
            | "virtual_package"
            | "weak_key"
    )
}

/// Whether an image's error is about files read or written.
fn is_of_disk_or_input(name: &str) -> bool {
    matches!(
        name,
        "bad_blob"
            | "bad_document"
            | "bad_layer"
            | "cannot_keep"
            | "compression_failed"
            | "damaged_blob"
            | "damaged_layout"
            | "no_layout"
            | "not_plain"
            | "output_folder"
            | "unknown_layer_type"
            | "unreadable_blob"
            | "unreadable_content"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use miette::Diagnostic;

    use super::*;
    use crate::exec::{ExecError, Failure};
    use crate::graph::DerivationId;
    use crate::host::fetch::FetchError;

    /// Every code of `src/` with its status.
    const TABLE: &[(u8, &str, &str)] = &[
        (
            3,
            "alpine",
            "apk_v3 bad_index bad_pkginfo bad_signature cannot_keep damaged_index extra_segment index_cache \
             index_encoding index_size index_v3 large_segment no_control no_datahash no_index not_a_package \
             not_yet_valid odd_member older other_key other_package unreadable_index unsigned wrong_datahash",
        ),
        (
            1,
            "alpine",
            "bad_key bad_request no_keys unknown_package unknown_tag unsolvable version_not_available virtual_package weak_key",
        ),
        (
            3,
            "archive",
            "absolute_path bad_hard_link bad_member_header bad_tar_header below_file bomb content_of_link damaged \
             decoder_memory duplicate_entry empty_symlink format_version irregular_path missing_member not_a_package \
             number_out_of_range oversize_header owner_name path_leaves_root several_top_folders sparse_file special_file \
             through_symlink too_many_entries trailing_bytes truncated unexpected_member unknown_compression \
             unknown_entry unreadable whiteout_name wrong_checksum",
        ),
        (3, "diff", "contents special_file stopped unreadable"),
        (
            3,
            "bundle",
            "altered bad_manifest bad_path duplicate_entry io no_index no_input not_a_bundle other_entry other_format \
             other_package stopped too_large trailing_bytes truncated unknown_item",
        ),
        (1, "bundle", "unfit_path"),
        (2, "bundle", "nothing_meant"),
        (
            3,
            "debian",
            "bad_index bad_package_relations bad_relation bad_release bad_signature cannot_keep damaged_index expired \
             index_cache index_encoding index_size not_yet_valid older other_key other_suite renamed \
             unreadable_index unsigned",
        ),
        (
            1,
            "debian",
            "bad_key bad_request no_architecture no_component no_keys no_such_architecture request_suite two_pins \
             unknown_package unsolvable version_not_available virtual_package",
        ),
        (
            1,
            "evidence",
            "no_bill not_vouched other_image other_predicate other_subject signature_fails unknown_origin unknown_path",
        ),
        (
            3,
            "evidence",
            "bad_attachment bad_json bad_report damaged_statement duplicate_member too_deep undecodable_index",
        ),
        (70, "evidence", "wrong_action"),
        (3, "exec", "cancelled content offline other_platform threads"),
        (1, "exec", "bad_location not_reproducible"),
        (4, "exec", "no_output special_output step_failed"),
        (70, "exec", "bad_output defect"),
        (1, "graph", "image_twice lock_incomplete unknown_account"),
        (70, "graph", "unknown_input"),
        (
            3,
            "host",
            "cancelled cannot_keep git_changed git_commit git_failed git_files git_name git_repository git_stopped \
             git_submodule no_git no_mirror not_an_image not_found not_written output registry_offline \
             credential_helper registry_token truncated unreachable unreadable unsafe_redirect wrong_bytes",
        ),
        (
            2,
            "host",
            "bad_ca_file bad_configuration bad_logins bad_proxy bad_url in_the_way settings_unreadable",
        ),
        (1, "host", "bad_repository_url"),
        (
            3,
            "image",
            "bad_blob bad_document bad_layer cannot_keep compression_failed damaged_blob damaged_layout no_layout \
             not_plain output_folder unknown_layer_type unreadable_blob unreadable_content",
        ),
        (
            1,
            "image",
            "bad_env_name bad_port bad_xattr_name duplicate_tag foreign_root not_a_layout other_compressor \
             relative_path stopped unknown_account",
        ),
        (2, "image", "ambiguous_reference unknown_reference"),
        (1, "import", "bad_field defect invalid_yaml not_a_definition unreadable variant"),
        (70, "image", "bad_manifest"),
        (
            1,
            "lock",
            "credential damaged extends inconsistent merge_conflict missing newer no_variant outgrown partly platform",
        ),
        (3, "lock", "bad_entry cannot_keep changed_bytes changed_index incomplete"),
        (2, "lock", "unknown_update"),
        (
            1,
            "merge",
            "account_conflict bad_account bad_certificate bad_pattern broken_link file_conflict kind_conflict \
             no_free_id no_such_path not_replacing rule_conflict unknown_account unknown_effect",
        ),
        (70, "merge", "not_a_tree"),
        (3, "merge", "bad_control content whiteout_name"),
        (1, "policy", "bad_glob broken unknown_rule"),
        (2, "remote", "bad_reference bad_tag nothing_named push_to_digest"),
        (1, "remote", "tag_exists"),
        (
            3,
            "remote",
            "bad_answer bad_location cannot_keep denied endless_referrers not_found referrers_contended refused stopped \
             too_large unreachable unsafe_redirect wrong_digest wrong_size",
        ),
        (3, "reproduce", "bad_provenance no_provenance no_recipe"),
        (
            1,
            "reproduce",
            "other_build_type other_lock other_recipe other_subject several_definitions unknown_image",
        ),
        (
            3,
            "sandbox",
            "cancelled content ended forbidden log no_copy no_proc no_space no_stage not_closed not_strict \
             output_unreadable stale_failure",
        ),
        (1, "sandbox", "command no_failure no_mount_point shell"),
        (4, "sandbox", "output_too_large"),
        (70, "sandbox", "no_root not_filled"),
        (
            3,
            "signing",
            "bad_bundle bad_public_key command_failed cosign_key key_unreadable no_command no_passphrase no_process \
             not_a_key not_a_signature other_algorithm other_encryption wrong_passphrase",
        ),
        (2, "signing", "empty_passphrase no_variable passphrases_differ stopped"),
        (1, "signing", "other_subject plain_key wrong_signature"),
        (1, "store", "no_mount_point"),
        (
            3,
            "store",
            "damaged_object damaged_root disk_full in_use io missing_object not_a_store output_unreadable read_only \
             stopped",
        ),
        (1, "test", "failed no_command other_platform relative_directory"),
        (
            2,
            "usage",
            "ambiguous_derivation bad_axis bad_value file_exists no_bundle no_definition no_evidence no_log no_such_derivation one_build no_image no_key not_a_folder no_image_file no_recipe no_record no_store no_such_axis no_such_code no_trusted_key no_variant other_kinds",
        ),
        (
            1,
            "verify",
            "altered_blob bad_digest bad_document bad_statement expired_key key_not_yet_valid licence \
             longer_blob misplaced_referrer missing_evidence nested_indexes no_age no_platform \
             no_subject_digest not_plain not_signed other_builder other_layers other_payload \
             other_provenance other_subject oversize_document rebuild_failed revoked_key sandbox \
             strange_evidence too_few_builders too_many_parts too_old truncated_blob two_kinds two_lengths \
             unknown_key unknown_licence waiver wrong_diff_id wrong_signature",
        ),
        (2, "verify", "bad_policy"),
        (3, "verify", "missing_blob unreadable_blob unreadable_input unreadable_key"),
    ];

    fn table() -> BTreeMap<String, u8> {
        let rows = TABLE.iter().flat_map(|(status, stage, names)| {
            names.split_whitespace().map(move |name| (format!("hbuild::{stage}::{name}"), *status))
        });
        rows.collect()
    }

    #[test]
    fn the_table_holds() {
        for (code, status) in table() {
            assert_eq!(of_code(&code), status, "{code}");
        }
        assert_eq!(of_code("hbuild::lang::unknown_field"), 1);
        assert_eq!(of_code("hbuild::syntax::unexpected"), 1);
    }

    #[test]
    fn every_code_of_the_sources_is_in_the_table() {
        let (table, mut codes) = (table(), Vec::new());
        let mut pending = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(path) = pending.pop() {
            if path.is_dir() {
                pending.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for part in text.split(concat!("code(", "hbuild::")).skip(1) {
                codes.push(format!("hbuild::{}", part.split(')').next().unwrap()));
            }
        }
        assert!(codes.len() > 100, "{}", codes.len());
        codes.retain(|code| !table.contains_key(code));
        assert_eq!(codes, Vec::<String>::new(), "say in the table which status these lead to");
    }

    #[test]
    fn an_error_within_another_decides() {
        let source = FetchError::NoMirror { what: "x".into() };
        let failure = Failure {
            id: DerivationId(crate::digest::Digest::of(b"")),
            label: "x".into(),
            absent: false,
            source: Box::new(source),
        };
        let error = crate::build::BuildFailure::from(ExecError::Failed(failure));
        assert_eq!(of_code(&error.code().unwrap().to_string()), 3);
    }
}
