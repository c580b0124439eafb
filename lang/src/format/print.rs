//! Printing: decides where lines break, and writes the text.

use super::doc::*;

/// The line width: what the examples of the language need, and what the Rust sources have.
const WIDTH: u32 = 110;
/// One level of indentation.
const STEP: u32 = 2;

/// The text of a file's rows.
pub(super) fn print(rows: &[Row<'_>], capacity: usize) -> String {
    let mut printer = Printer { out: String::with_capacity(capacity + capacity / 8), column: 0 };
    printer.rows(rows, 0, true);
    printer.out.push('\n');
    printer.out
}

/// The text of what stands on one line.
pub(super) fn flat(doc: &Doc<'_>) -> String {
    let mut printer = Printer { out: String::new(), column: 0 };
    printer.flat(doc);
    printer.out
}

struct Printer {
    out: String,
    column: u32,
}

impl Printer {
    fn text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += width(text);
    }

    fn spaces(&mut self, count: u32) {
        const BLANK: &str = "                                ";
        let mut left = count as usize;
        while left > 0 {
            let some = left.min(BLANK.len());
            self.out.push_str(&BLANK[..some]);
            left -= some;
        }
        self.column += count;
    }

    fn line(&mut self, indent: u32) {
        self.out.push('\n');
        self.column = 0;
        self.spaces(indent);
    }

    fn trailing(&mut self, comment: &Trailing<'_>) {
        self.out.extend(std::iter::repeat_n(' ', comment.spaces));
        self.out.push_str(comment.text);
    }

    /// Prints on one line if that holds it and the `tail` characters behind it.
    fn doc(&mut self, doc: &Doc<'_>, indent: u32, tail: u32) {
        if doc.flat < BROKEN && self.column + doc.flat + tail <= WIDTH {
            return self.flat(doc);
        }
        match &doc.kind {
            DocKind::Text(text) => self.text(text),
            DocKind::Sequence(parts) => self.sequence(parts, indent, tail),
            DocKind::BlockString { open, body, close } => self.block_string(open, body, close, indent),
            DocKind::Braces(braces) => self.braces(braces, indent),
            DocKind::Elements(elements) => self.elements(elements, indent, tail),
            DocKind::Chain(links) => self.chain(links, indent, tail),
            DocKind::Lines { open, parts, close } => self.lines(open, parts, close, indent, tail),
        }
    }

    fn flat(&mut self, doc: &Doc<'_>) {
        match &doc.kind {
            DocKind::Text(text) => self.text(text),
            DocKind::Sequence(parts) => parts.iter().for_each(|part| self.flat(part)),
            DocKind::BlockString { .. } => unreachable!("a string of several lines is never flat"),
            DocKind::Braces(braces) if braces.rows.is_empty() => self.text("{}"),
            DocKind::Braces(braces) => {
                self.text("{ ");
                braces.rows.iter().for_each(|row| self.flat_row(row));
                self.text(" }");
            }
            DocKind::Elements(elements) => {
                self.text(elements.open);
                elements.rows.iter().for_each(|row| self.flat_row(row));
                self.text(elements.close);
            }
            DocKind::Chain(links) => {
                for (index, link) in links.iter().enumerate() {
                    self.text(if index > 0 { " " } else { "" });
                    self.text(link.operator);
                    self.flat(&link.operand);
                }
            }
            DocKind::Lines { open, parts, close } => {
                self.text(open);
                for (index, part) in parts.iter().enumerate() {
                    self.text(if index > 0 { " " } else { "" });
                    self.flat(part);
                }
                self.text(close);
            }
        }
    }

    fn flat_row(&mut self, row: &Row<'_>) {
        match &row.content {
            RowContent::Comment(_) => unreachable!("a comment is never flat"),
            RowContent::Part(doc) => self.flat(doc),
            RowContent::Field { key, sign, value } => {
                self.flat(key);
                self.text(sign);
                self.flat(value);
            }
        }
        self.text(row.separator);
    }

    fn sequence(&mut self, parts: &[Doc<'_>], indent: u32, tail: u32) {
        for (index, part) in parts.iter().enumerate() {
            let mut behind = 0;
            let mut whole = true;
            for next in &parts[index + 1..] {
                let (lead, all) = next.lead();
                behind += lead;
                whole = all;
                if !whole {
                    break;
                }
            }
            self.doc(part, indent, if whole { behind + tail } else { behind });
        }
    }

    fn block_string(&mut self, open: &str, body: &str, close: &str, indent: u32) {
        self.text(open);
        let (lines, ended) = match body.strip_suffix('\n') {
            Some(lines) => (Some(lines), true),
            None => (Some(body).filter(|body| !body.is_empty()), body.is_empty()),
        };
        for line in lines.into_iter().flat_map(|lines| lines.split('\n')) {
            self.line(if line.is_empty() { 0 } else { indent + STEP });
            self.text(line);
        }
        if ended {
            self.line(indent);
        }
        self.text(close);
    }

    fn braces(&mut self, braces: &Braces<'_>, indent: u32) {
        self.text("{");
        if let Some(comment) = &braces.opening {
            self.trailing(comment);
        }
        if !braces.rows.is_empty() {
            self.line(indent + STEP);
            self.rows(&braces.rows, indent + STEP, false);
        }
        self.line(indent);
        self.text("}");
    }

    /// Rows, each on its own line, from the beginning of the first line on.
    fn rows(&mut self, rows: &[Row<'_>], indent: u32, file: bool) {
        let paddings = if file { Vec::new() } else { paddings(rows, indent) };
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                if row.blank {
                    self.out.push('\n');
                }
                self.line(indent);
            }
            match &row.content {
                RowContent::Comment(text) => self.text(text),
                RowContent::Part(doc) => self.doc(doc, indent, 0),
                RowContent::Field { key, sign, value } => {
                    self.doc(key, indent, 0);
                    self.spaces(paddings.get(index).copied().unwrap_or(0));
                    self.text(sign);
                    self.doc(value, indent, 0);
                }
            }
            if let Some(comment) = &row.trailing {
                self.trailing(comment);
            }
        }
    }

    fn elements(&mut self, elements: &Elements<'_>, indent: u32, tail: u32) {
        if self.hanging_elements(elements, indent, tail) {
            return;
        }
        self.text(elements.open);
        if let Some(comment) = &elements.opening {
            self.trailing(comment);
        }
        let inner = indent + STEP;
        let mut fresh = true;
        for (index, row) in elements.rows.iter().enumerate() {
            let narrow = row.trailing.is_none() && row.flat() < BROKEN;
            let fits = elements.fill && narrow && self.column + 1 + row.flat() < WIDTH + 1;
            if index == 0 || fresh || row.blank || !fits {
                if row.blank && index > 0 {
                    self.out.push('\n');
                }
                self.line(inner);
            } else {
                self.text(" ");
            }
            fresh = !narrow || !elements.fill;
            match &row.content {
                RowContent::Comment(text) => self.text(text),
                RowContent::Part(doc) => {
                    self.doc(doc, inner, 1);
                    self.text(",");
                }
                RowContent::Field { .. } => unreachable!("a list has no fields"),
            }
            if let Some(comment) = &row.trailing {
                self.trailing(comment);
            }
        }
        self.line(indent);
        self.text(elements.close);
    }

    /// Prints all but the last element on this line, and lets that one go on below, if it is of such a kind.
    fn hanging_elements(&mut self, elements: &Elements<'_>, indent: u32, tail: u32) -> bool {
        let Some((last, others)) = elements.rows.split_last() else { return false };
        let RowContent::Part(doc) = &last.content else { return false };
        let alone = others.is_empty();
        let Some(lead) = doc.hanging(elements.open == "(" && alone) else { return false };
        if elements.opening.is_some() || last.trailing.is_some() {
            return false;
        }
        if elements.open == "[" && !alone || others.iter().any(|row| row.flat() >= BROKEN || row.blank) {
            return false;
        }
        let before = others.iter().map(Row::flat).fold(0, u32::saturating_add);
        if self.column + 1 + before + lead > WIDTH {
            return false;
        }
        self.text(elements.open);
        others.iter().for_each(|row| self.flat_row(row));
        self.doc(doc, indent, 1 + tail);
        self.text(elements.close);
        true
    }

    fn chain(&mut self, links: &[Link<'_>], indent: u32, tail: u32) {
        let Some((last, others)) = links.split_last() else { return };
        let comments = links.iter().any(|link| !link.comments.is_empty());
        let before = others.iter().map(|link| width(link.operator) + link.operand.flat + 1);
        let before = before.fold(0, u32::saturating_add);
        let lead = last.operand.hanging(false).unwrap_or(BROKEN) + before + width(last.operator);
        if !comments && self.column + lead <= WIDTH {
            for link in others {
                self.text(link.operator);
                self.flat(&link.operand);
                self.text(" ");
            }
            self.text(last.operator);
            return self.doc(&last.operand, indent, tail);
        }
        for (index, link) in links.iter().enumerate() {
            for (same_line, text) in &link.comments {
                if *same_line {
                    self.trailing(&Trailing { spaces: 2, text });
                } else {
                    self.line(indent + STEP);
                    self.text(text);
                }
            }
            let inner = if index > 0 { indent + STEP } else { indent };
            if index > 0 {
                self.line(inner);
            }
            self.text(link.operator);
            self.doc(&link.operand, inner, if index + 1 == links.len() { tail } else { 0 });
        }
    }

    fn lines(&mut self, open: &str, parts: &[Doc<'_>], close: &str, indent: u32, tail: u32) {
        self.text(open.trim_end());
        let bare = close.is_empty();
        for (index, part) in parts.iter().enumerate() {
            if bare && index == 0 {
                self.text(" ");
            } else {
                self.line(indent + STEP);
            }
            self.doc(part, indent + STEP, if index + 1 == parts.len() { tail } else { 0 });
        }
        if !bare {
            self.line(indent);
            self.text(close.trim_start());
        }
    }
}

/// How many spaces stand before each row's `=`: neighbouring fields of one line are aligned, where all of them
/// stay within the line width.
fn paddings(rows: &[Row<'_>], indent: u32) -> Vec<u32> {
    let mut paddings = vec![0; rows.len()];
    let widths = |row: &Row<'_>| match &row.content {
        RowContent::Field { key, sign, value } => {
            let behind = width(sign) + value.flat;
            (indent + key.flat + behind <= WIDTH).then_some((key.flat, behind))
        }
        _ => None,
    };
    let mut start = 0;
    while start < rows.len() {
        let mut end = start;
        while end < rows.len() && widths(&rows[end]).is_some() && (end == start || !rows[end].blank) {
            end += 1;
        }
        let run = || rows[start..end].iter().filter_map(widths);
        let longest = run().map(|(key, _)| key).max().unwrap_or(0);
        if run().all(|(_, behind)| indent + longest + behind <= WIDTH) {
            for (padding, (key, _)) in paddings[start..end].iter_mut().zip(run()) {
                *padding = longest - key;
            }
        }
        start = end.max(start + 1);
    }
    paddings
}
