//! Changes of texts: renaming, formatting, quick fixes; and what is drawn into them: hints and colours.

use std::collections::HashMap;
use std::path::PathBuf;

use hbuild_lang::assist::{self, Analysis};
use hbuild_lang::diagnostic::Suggestion;
use lsp_types::*;

use super::diagnostics;
use super::project::Project;
use super::requests::{Answer, Refusal};
use super::server::Server;
use super::uri::path_of;

impl Server<'_> {
    pub(super) fn prepare_rename(
        &mut self,
        params: TextDocumentPositionParams,
    ) -> Answer<Option<PrepareRenameResponse>> {
        let Some((project, offset)) = self.place(&params) else { return Ok(None) };
        let Ok(analysis) = &project.analysis else { return Ok(None) };
        let found = assist::rename_at(analysis, offset).map_err(Refusal::failed)?;
        let range = self.lines(analysis.text()).range(&found.range);
        Ok(Some(PrepareRenameResponse::RangeWithPlaceholder { range, placeholder: found.name }))
    }

    pub(super) fn rename(&mut self, params: RenameParams) -> Answer<Option<WorkspaceEdit>> {
        let Some((project, offset)) = self.place(&params.text_document_position) else { return Ok(None) };
        let Ok(analysis) = &project.analysis else { return Ok(None) };
        let definition = assist::rename_at(analysis, offset).map_err(Refusal::failed)?;
        let name = params.new_name;
        assist::can_be_called(analysis, &definition, &name).map_err(Refusal::failed)?;
        let mut changes: Vec<(PathBuf, Vec<TextEdit>)> = Vec::new();
        for (path, range) in self.everywhere(&project, offset, true) {
            let edit = TextEdit { range, new_text: name.clone() };
            match changes.last_mut() {
                Some((last, edits)) if *last == path => edits.push(edit),
                _ => changes.push((path, vec![edit])),
            }
        }
        Ok(Some(self.workspace_edit(changes)))
    }

    #[allow(clippy::mutable_key_type, reason = "the protocol's type; a URI is not changed")]
    fn workspace_edit(&self, changes: Vec<(PathBuf, Vec<TextEdit>)>) -> WorkspaceEdit {
        let mut map = HashMap::new();
        for (path, edits) in changes {
            map.insert(self.documents.uri(&path), edits);
        }
        WorkspaceEdit { changes: Some(map), ..WorkspaceEdit::default() }
    }

    pub(super) fn formatting(&mut self, params: DocumentFormattingParams) -> Answer<Option<Vec<TextEdit>>> {
        let Some(document) = self.documents.get(&path_of(&params.text_document.uri)) else { return Ok(None) };
        // What is wrong with the text is told already.
        let Ok(formatted) = hbuild_lang::format::format(&document.text) else { return Ok(None) };
        let lines = self.lines(&document.text);
        Ok(Some(
            difference(&document.text, &formatted)
                .map(|(range, new_text)| TextEdit { range: lines.range(&range), new_text })
                .into_iter()
                .collect(),
        ))
    }

    pub(super) fn code_actions(&mut self, params: CodeActionParams) -> Answer<Option<CodeActionResponse>> {
        let wanted = params.context.only.as_ref().is_none_or(|kinds| {
            kinds.iter().any(|kind| kind.as_str().is_empty() || kind.as_str() == "quickfix")
        });
        let path = path_of(&params.text_document.uri);
        let project = self.project(&path);
        let (true, Ok(analysis)) = (wanted, &project.analysis) else { return Ok(None) };
        let standard = |name: &str| self.path_of(&project, name);
        let said = diagnostics::of_project(&project, &self.documents, &standard, self.client().encoding);
        let said = said.get(&path).map(Vec::as_slice).unwrap_or_default();
        let own = analysis.diagnostics().iter().filter(|found| {
            let file = found.primary().and_then(|label| label.file.as_deref());
            file.is_none_or(|file| file == project.entry)
        });
        let mut actions = Vec::new();
        for (diagnostic, said) in own.zip(said) {
            if said.range.end < params.range.start || params.range.end < said.range.start {
                continue;
            }
            for (at, mend) in assist::mends(analysis, diagnostic).into_iter().enumerate() {
                let Some(edit) = self.edit_of(&project, analysis, &mend) else { continue };
                actions.push(CodeActionOrCommand::CodeAction(CodeAction {
                    title: mend.title,
                    kind: Some(CodeActionKind::QUICKFIX),
                    diagnostics: Some(vec![said.clone()]),
                    edit: Some(edit),
                    is_preferred: Some(at == 0),
                    ..CodeAction::default()
                }));
            }
        }
        Ok(Some(actions))
    }

    fn edit_of(&self, project: &Project, analysis: &Analysis, mend: &Suggestion) -> Option<WorkspaceEdit> {
        let mut changes: Vec<(PathBuf, Vec<TextEdit>)> = Vec::new();
        for edit in &mend.edits {
            let name = edit.file.as_deref().unwrap_or(&project.entry);
            let path = project.path(name)?;
            let range = self.lines(analysis.text_of(name)?).range(&edit.range);
            let edit = TextEdit { range, new_text: edit.text.clone() };
            match changes.iter_mut().find(|(known, _)| *known == path) {
                Some((_, edits)) => edits.push(edit),
                None => changes.push((path, vec![edit])),
            }
        }
        Some(self.workspace_edit(changes))
    }

    pub(super) fn hints(&mut self, params: InlayHintParams) -> Answer<Option<Vec<InlayHint>>> {
        let project = self.project(&path_of(&params.text_document.uri));
        let Ok(analysis) = &project.analysis else { return Ok(None) };
        let lines = self.lines(analysis.text());
        let mut found = Vec::new();
        for version in self.catalogue.versions(&project, analysis) {
            let Some(end) = version.end(analysis.text()) else { continue };
            let position = lines.position(end);
            if position < params.range.start || params.range.end < position {
                continue;
            }
            found.push(InlayHint {
                position,
                label: InlayHintLabel::String(version.short()),
                kind: Some(InlayHintKind::TYPE),
                text_edits: None,
                tooltip: Some(InlayHintTooltip::MarkupContent(super::convert::markdown(version.markdown()))),
                padding_left: Some(true),
                padding_right: None,
                data: None,
            });
        }
        Ok(Some(found))
    }

    pub(super) fn tokens(&mut self, params: SemanticTokensParams) -> Answer<Option<SemanticTokens>> {
        Ok(self.tokens_between(&params.text_document, None))
    }

    pub(super) fn tokens_of_range(
        &mut self,
        params: SemanticTokensRangeParams,
    ) -> Answer<Option<SemanticTokens>> {
        Ok(self.tokens_between(&params.text_document, Some(params.range)))
    }

    fn tokens_between(
        &mut self,
        document: &TextDocumentIdentifier,
        range: Option<Range>,
    ) -> Option<SemanticTokens> {
        let project = self.project(&path_of(&document.uri));
        let analysis = project.analysis.as_ref().ok()?;
        let lines = self.lines(analysis.text());
        let mut found = Vec::new();
        let mut last = Position::new(0, 0);
        for token in assist::tokens(analysis) {
            let at = lines.position(token.range.start);
            if range.is_some_and(|range| at < range.start || range.end < at) {
                continue;
            }
            let delta_line = at.line - last.line;
            let delta_start = if delta_line == 0 { at.character - last.character } else { at.character };
            let modifiers =
                u32::from(token.declares) | u32::from(token.standard) << 2 | u32::from(token.documents) << 3;
            found.push(SemanticToken {
                delta_line,
                delta_start,
                length: lines.width(&analysis.text()[token.range.clone()]),
                token_type: u32::try_from(token.kind).unwrap_or_default(),
                token_modifiers_bitset: modifiers,
            });
            last = at;
        }
        Some(SemanticTokens { result_id: None, data: found })
    }
}

/// What of `old` is replaced by what to get `new`: whole lines, as few as one run of them can be.
fn difference(old: &str, new: &str) -> Option<(std::ops::Range<usize>, String)> {
    if old == new {
        return None;
    }
    let same_start: usize = old
        .split_inclusive('\n')
        .zip(new.split_inclusive('\n'))
        .take_while(|(one, other)| one == other && one.ends_with('\n'))
        .map(|(line, _)| line.len())
        .sum();
    let (old_rest, new_rest) = (&old[same_start..], &new[same_start..]);
    let old_lines: Vec<&str> = old_rest.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new_rest.split_inclusive('\n').collect();
    let same_end: usize = old_lines
        .iter()
        .rev()
        .zip(new_lines.iter().rev())
        .take_while(|(one, other)| one == other)
        .map(|(line, _)| line.len())
        .sum();
    Some((same_start..old.len() - same_end, new_rest[..new_rest.len() - same_end].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_change_is_the_lines_that_differ() {
        assert_eq!(difference("a\nb\nc\n", "a\nx\nc\n"), Some((2..4, "x\n".to_owned())));
        assert_eq!(difference("a\nc\n", "a\nb\nc\n"), Some((2..2, "b\n".to_owned())));
        assert_eq!(difference("a", "a\n"), Some((0..1, "a\n".to_owned())));
        assert_eq!(difference("a\n", "a\n"), None);
    }

    proptest! {
        #[test]
        fn a_change_makes_the_new_text(old in "[ab\n]{0,12}", new in "[ab\n]{0,12}") {
            let mut text = old.clone();
            if let Some((range, with)) = difference(&old, &new) {
                text.replace_range(range, &with);
            }
            prop_assert_eq!(text, new);
        }
    }
}
