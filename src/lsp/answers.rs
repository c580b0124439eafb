//! Questions about a place: what is it, where is it defined, what could stand there.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use hbuild_lang::assist::{self, Analysis, Surroundings};
use lsp_types::*;

use super::convert::{completion, document_symbol, flat_symbols, markdown};
use super::documents::Overlay;
use super::packages::Around;
use super::position::Lines;
use super::project::{Project, split};
use super::requests::Answer;
use super::server::Server;
use super::uri::path_of;
use crate::host::discover::find_recipes;

impl Server<'_> {
    /// The project of a document, and the byte of it that is asked about; `None` where it has no analysis.
    pub(super) fn place(&mut self, at: &TextDocumentPositionParams) -> Option<(Rc<Project>, usize)> {
        let project = self.project(&path_of(&at.text_document.uri));
        let offset = self.lines(project.analysis.as_ref().ok()?.text()).offset(at.position);
        Some((project, offset))
    }

    pub(super) fn lines<'a>(&self, text: &'a str) -> Lines<'a> {
        Lines::new(text, self.client().encoding)
    }

    pub(super) fn hover(&mut self, params: HoverParams) -> Answer<Option<Hover>> {
        let Some((project, offset)) = self.place(&params.text_document_position_params) else {
            return Ok(None);
        };
        let Ok(analysis) = &project.analysis else { return Ok(None) };
        let found =
            assist::hover(analysis, offset).or_else(|| self.package_hover(&project, analysis, offset));
        Ok(found.map(|found| Hover {
            range: Some(self.lines(analysis.text()).range(&found.range)),
            contents: HoverContents::Markup(markdown(found.markdown)),
        }))
    }

    /// What the lock says of the package in the string at `offset`.
    fn package_hover(&self, project: &Project, analysis: &Analysis, offset: usize) -> Option<assist::Hover> {
        let (range, _) = assist::string_at(analysis, offset)?;
        let versions = self.catalogue.versions(project, analysis);
        let line = Lines::new(analysis.text(), super::position::Encoding::Utf8).position(range.start).line;
        let found = versions
            .iter()
            .find(|found| found.line == line + 1 && found.starts_at(analysis.text(), range.start))?;
        Some(assist::Hover { range, markdown: found.markdown() })
    }

    pub(super) fn definition(
        &mut self,
        params: GotoDefinitionParams,
    ) -> Answer<Option<GotoDefinitionResponse>> {
        let Some((project, offset)) = self.place(&params.text_document_position_params) else {
            return Ok(None);
        };
        let Ok(analysis) = &project.analysis else { return Ok(None) };
        let found = assist::definition(analysis, offset);
        if !self.client().links {
            let places = found.iter().filter_map(|found| self.location(&project, analysis, found));
            return Ok(Some(GotoDefinitionResponse::Array(places.collect())));
        }
        let links = found.iter().filter_map(|found| {
            let Location { uri, range } = self.location(&project, analysis, found)?;
            let whole = self.lines(analysis.text_of(&found.file)?).range(&found.whole);
            Some(LocationLink {
                origin_selection_range: None,
                target_uri: uri,
                target_range: whole,
                target_selection_range: range,
            })
        });
        Ok(Some(GotoDefinitionResponse::Link(links.collect())))
    }

    /// A place of a project as the protocol says it.
    pub(super) fn location(
        &self,
        project: &Project,
        analysis: &Analysis,
        found: &assist::Location,
    ) -> Option<Location> {
        let path = self.path_of(project, &found.file)?;
        let range = self.lines(analysis.text_of(&found.file)?).range(&found.range);
        Some(Location { uri: self.documents.uri(&path), range })
    }

    pub(super) fn references(&mut self, params: ReferenceParams) -> Answer<Option<Vec<Location>>> {
        let Some((project, offset)) = self.place(&params.text_document_position) else { return Ok(None) };
        let found = self.everywhere(&project, offset, params.context.include_declaration);
        let locations =
            found.into_iter().map(|(path, range)| Location { uri: self.documents.uri(&path), range });
        Ok(Some(locations.collect()))
    }

    /// Every place in the open folders that stands for the same as that at `offset`, each once, by path.
    pub(super) fn everywhere(
        &mut self,
        project: &Project,
        offset: usize,
        definitions: bool,
    ) -> Vec<(PathBuf, Range)> {
        let Ok(analysis) = &project.analysis else { return Vec::new() };
        let mut found: Vec<(PathBuf, Range)> = Vec::new();
        let mut add = |server: &Self, project: &Project, analysis: &Analysis, places: &[assist::Location]| {
            for place in places {
                let Some(path) = server.path_of(project, &place.file) else { continue };
                let Some(text) = analysis.text_of(&place.file) else { continue };
                let one = (path, server.lines(text).range(&place.range));
                if !found.contains(&one) {
                    found.push(one);
                }
            }
        };
        add(self, project, analysis, &assist::references(analysis, offset, definitions));
        if let Some(definition) = assist::defined_at(analysis, offset).filter(|definition| definition.shared)
            && let Some(target) = self.path_of(project, &definition.file)
        {
            let mentions = |text: &str| text.contains(&definition.name) || text.contains("import \"");
            for other in self.others(&project.folder.join(&project.entry), &mentions) {
                let Ok(analysis) = &other.analysis else { continue };
                let names: Vec<&str> = analysis.texts().map(|(name, _)| name).collect();
                let same = names.into_iter().find(|name| {
                    *name == definition.file && definition.standard
                        || other.path(name).is_some_and(|path| path == target)
                });
                if let Some(name) = same {
                    let places = assist::references_to(analysis, &definition, name, definitions);
                    add(self, &other, analysis, &places);
                }
            }
        }
        found.sort_by(|one, other| {
            let key =
                |(path, range): &(PathBuf, Range)| (path.clone(), range.start.line, range.start.character);
            key(one).cmp(&key(other))
        });
        found
    }

    /// The recipes of the open folders, and the other open documents, loaded, that `fits` the text of.
    pub(super) fn others(&mut self, except: &Path, fits: &dyn Fn(&str) -> bool) -> Vec<Rc<Project>> {
        let mut found = Vec::new();
        for path in self.recipes(except).into_iter().filter(|path| path != except) {
            let (folder, entry) = split(&path, self.standard_folder());
            let files = Overlay::new(&self.documents, &folder);
            let text = hbuild_lang::Files::read(&files, &entry);
            if text.is_ok_and(|bytes| fits(&String::from_utf8_lossy(&bytes))) {
                let analysis = Analysis::loaded(&files, &entry).ok_or_else(Vec::new);
                found.push(Rc::new(Project { folder, entry, analysis, reads: files.into_read() }));
            }
        }
        found
    }

    /// The recipes of the open folders, or of the folder of `path` where none is open, and the open documents.
    pub(super) fn recipes(&self, path: &Path) -> Vec<PathBuf> {
        let beside = path.parent().map(Path::to_owned).into_iter().filter(|_| self.folders.is_empty());
        let folders = self.folders.iter().cloned().chain(beside);
        let mut found: Vec<PathBuf> =
            folders.flat_map(|folder| find_recipes(&folder).unwrap_or_default()).collect();
        found.extend(self.documents.paths().cloned());
        found.sort();
        found.dedup();
        found
    }

    pub(super) fn highlights(
        &mut self,
        params: DocumentHighlightParams,
    ) -> Answer<Option<Vec<DocumentHighlight>>> {
        let Some((project, offset)) = self.place(&params.text_document_position_params) else {
            return Ok(None);
        };
        let Ok(analysis) = &project.analysis else { return Ok(None) };
        let lines = self.lines(analysis.text());
        let highlight = |(range, defines)| DocumentHighlight {
            range: lines.range(&range),
            kind: Some(if defines { DocumentHighlightKind::WRITE } else { DocumentHighlightKind::READ }),
        };
        Ok(Some(assist::highlights(analysis, offset).into_iter().map(highlight).collect()))
    }

    pub(super) fn document_symbols(
        &mut self,
        params: DocumentSymbolParams,
    ) -> Answer<Option<DocumentSymbolResponse>> {
        let Some(document) = self.documents.get(&path_of(&params.text_document.uri)) else { return Ok(None) };
        let lines = self.lines(&document.text);
        let outline = assist::outline(&document.text).into_iter();
        Ok(Some(if self.client().levels {
            DocumentSymbolResponse::Nested(outline.map(|entry| document_symbol(entry, &lines)).collect())
        } else {
            let uri = &params.text_document.uri;
            DocumentSymbolResponse::Flat(
                outline.flat_map(|entry| flat_symbols(entry, None, &lines, uri)).collect(),
            )
        }))
    }

    pub(super) fn workspace_symbols(
        &mut self,
        params: WorkspaceSymbolParams,
    ) -> Answer<Option<Vec<SymbolInformation>>> {
        const MOST: usize = 500;
        let query = params.query.to_lowercase();
        let mut found = Vec::new();
        for path in self.recipes(Path::new("")) {
            let (folder, entry) = split(&path, self.standard_folder());
            let files = Overlay::new(&self.documents, &folder);
            let Ok(bytes) = hbuild_lang::Files::read(&files, &entry) else { continue };
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let lines = self.lines(&text);
            let uri = self.documents.uri(&path);
            for mut entry in assist::outline(&text) {
                entry.inside.clear();
                if matches_query(&entry.name, &query) && entry.kind != assist::EntryKind::Module {
                    found.extend(flat_symbols(
                        entry,
                        path.file_name().and_then(|name| name.to_str()),
                        &lines,
                        &uri,
                    ));
                }
            }
            if found.len() >= MOST {
                break;
            }
        }
        Ok(Some(found))
    }

    pub(super) fn completion(&mut self, params: CompletionParams) -> Answer<Option<CompletionList>> {
        let at = &params.text_document_position;
        let path = path_of(&at.text_document.uri);
        let Some(document) = self.documents.get(&path) else { return Ok(None) };
        let lines = self.lines(&document.text);
        let offset = lines.offset(at.position);
        let (folder, entry) = split(&path, self.standard_folder());
        let files = Overlay::new(&self.documents, &folder);
        let around = Around { catalogue: &self.catalogue, folder: &folder, path: &path };
        let found = assist::complete(&files, &entry, offset, &around as &dyn Surroundings);
        let line = document.text[..offset].rsplit('\n').next().unwrap_or_default();
        let indent: String = line.chars().take_while(|letter| matches!(letter, ' ' | '\t')).collect();
        let snippets = self.client().snippets;
        let items = found.list.into_iter().map(|one| completion(one, &lines, &indent, snippets));
        Ok(Some(CompletionList { is_incomplete: found.incomplete, items: items.collect() }))
    }

    pub(super) fn signature(&mut self, params: SignatureHelpParams) -> Answer<Option<SignatureHelp>> {
        let Some((project, offset)) = self.place(&params.text_document_position_params) else {
            return Ok(None);
        };
        let Ok(analysis) = &project.analysis else { return Ok(None) };
        let Some(found) = assist::signature(analysis, offset) else { return Ok(None) };
        let lines = self.lines(&found.label);
        let parameter = |range: &std::ops::Range<usize>| ParameterInformation {
            label: ParameterLabel::LabelOffsets([
                lines.width(&found.label[..range.start]),
                lines.width(&found.label[..range.end]),
            ]),
            documentation: None,
        };
        let active = found.active.and_then(|active| u32::try_from(active).ok());
        let signature = SignatureInformation {
            parameters: Some(found.parameters.iter().map(parameter).collect()),
            documentation: found.doc.map(|doc| Documentation::MarkupContent(markdown(doc))),
            active_parameter: active,
            label: found.label.clone(),
        };
        Ok(Some(SignatureHelp {
            signatures: vec![signature],
            active_signature: Some(0),
            active_parameter: active,
        }))
    }

    pub(super) fn folding(&mut self, params: FoldingRangeParams) -> Answer<Option<Vec<FoldingRange>>> {
        let Some(document) = self.documents.get(&path_of(&params.text_document.uri)) else { return Ok(None) };
        let lines = self.lines(&document.text);
        let fold = |(range, comment): (std::ops::Range<usize>, bool)| {
            let (start, end) = (lines.position(range.start), lines.position(range.end));
            // The line with the closing bracket stays in sight.
            let end_line = if comment { end.line } else { end.line.saturating_sub(1) };
            (end_line > start.line).then(|| FoldingRange {
                start_line: start.line,
                end_line,
                kind: comment.then_some(FoldingRangeKind::Comment),
                ..FoldingRange::default()
            })
        };
        Ok(Some(assist::folds(&document.text).into_iter().filter_map(fold).collect()))
    }

    pub(super) fn selection(&mut self, params: SelectionRangeParams) -> Answer<Option<Vec<SelectionRange>>> {
        let Some(document) = self.documents.get(&path_of(&params.text_document.uri)) else { return Ok(None) };
        let lines = self.lines(&document.text);
        let grow = |position: &Position| {
            let ranges = assist::selection(&document.text, lines.offset(*position));
            let grown = ranges.iter().rev().fold(None, |parent, range| {
                Some(SelectionRange { range: lines.range(range), parent: parent.map(Box::new) })
            });
            grown.unwrap_or(SelectionRange { range: Range::new(*position, *position), parent: None })
        };
        Ok(Some(params.positions.iter().map(grow).collect()))
    }
}

/// Whether the letters of the query stand in the name in this order.
fn matches_query(name: &str, query: &str) -> bool {
    let mut letters = name.chars();
    query.chars().all(|wanted| letters.any(|letter| letter == wanted))
}
