//! The head of a recipe: imports, the table of releases, the axes.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::Flavor;

use super::code;
use super::grid::Axis;
use super::recipe::Draft;

/// The names of the axes, in order.
pub fn axes(draft: &Draft<'_>) -> Vec<&'static str> {
    let grid = draft.grid;
    let mut axes = Vec::new();
    if !grid.rows.is_empty() {
        axes.push("release");
    }
    axes.push("distro");
    if grid.profiles.len() > 1 {
        axes.push("profile");
    }
    if !grid.of_flavor(Flavor::Dev).is_empty() {
        axes.push("flavor");
    }
    axes.push("arch");
    axes
}

/// The whole text: head, table of releases, axes, `let`s, and the items.
pub fn assemble(draft: &Draft<'_>, lets: &str, body: &str, tags: bool) -> String {
    let grid = draft.grid;
    let mut out = String::from("hbuild 1\n");
    if draft.base.is_some() {
        out.push_str("import std/base\n");
    }
    if tags {
        out.push_str("import std/tag\n");
    }
    out.push_str("\n\u{e7f0}\n");
    let used = columns_in(&format!("{lets}{body}"));
    // Arms of the axes may want columns, too: they come before the table.
    let declared = declared_axes(draft);
    if !grid.rows.is_empty() {
        out.push_str(&table(draft, &used));
    }
    out.push_str(&declared);
    out.push('\n');
    if !lets.is_empty() {
        out.push_str(lets);
        out.push('\n');
    }
    out.push_str(body);
    out
}

/// The columns that the text takes, as `release.name`.
fn columns_in(text: &str) -> BTreeSet<String> {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let column = |(at, start): (usize, &str)| {
        let rest = &text[at + start.len()..];
        format!("{start}{}", &rest[..rest.find(|next| !letter(next)).unwrap_or(rest.len())])
    };
    text.match_indices("release.").map(column).collect()
}

/// The distros of each row; `None` where all rows have all.
fn distros_by_row(draft: &Draft<'_>) -> Option<Vec<Vec<usize>>> {
    let grid = draft.grid;
    let of = |row: usize| -> Vec<usize> {
        let here = grid.variants.iter().filter(|variant| variant.row == row).map(|variant| variant.distro);
        here.collect::<BTreeSet<_>>().into_iter().collect()
    };
    let rows: Vec<Vec<usize>> = (0..grid.rows.len()).map(of).collect();
    rows.iter().any(|row| row.len() < grid.distros.len()).then_some(rows)
}

fn table(draft: &Draft<'_>, used: &BTreeSet<String>) -> String {
    let grid = draft.grid;
    let distros = distros_by_row(draft);
    let mut out = String::from("let releases = {\n");
    for (index, row) in grid.rows.iter().enumerate() {
        let version = code::string(&row.version);
        let version = if grid.numeric { format!("version({version})") } else { version };
        let mut fields = vec![format!("version = {version}")];
        for column in
            grid.columns.borrow().iter().filter(|column| used.contains(&format!("release.{}", column.name)))
        {
            fields.push(format!("{} = {}", column.name, column.values[index].as_deref().unwrap_or("none")));
        }
        if let Some(distros) = &distros {
            let list: Vec<String> = distros[index].iter().map(|place| grid.distro(*place)).collect();
            fields.push(format!("distros = {}", code::list(&list)));
        }
        let line = format!("  {} = {{ {} }}\n", code::string(&row.label), fields.join(", "));
        match line.chars().count() > 110 {
            true => {
                let lines = fields.iter().map(|field| format!("    {field}\n")).collect::<String>();
                out.push_str(&format!("  {} = {{\n{lines}  }}\n", code::string(&row.label)));
            }
            false => out.push_str(&line),
        }
    }
    out.push_str("}\n\n");
    out
}

/// The `for` of the file.
fn declared_axes(draft: &Draft<'_>) -> String {
    let grid = draft.grid;
    let list = |elements: BTreeSet<String>| code::list(&elements.into_iter().collect::<Vec<_>>());
    let by_variant = |label: &dyn Fn(usize) -> BTreeSet<String>, fixed: &[Axis]| {
        let value = |variant: usize| {
            let same =
                |other: &usize| fixed.iter().all(|axis| grid.at(*other, *axis) == grid.at(variant, *axis));
            let labels: BTreeSet<String> = grid.all().into_iter().filter(same).flat_map(label).collect();
            list(labels)
        };
        let values: BTreeMap<usize, String> =
            grid.all().into_iter().map(|variant| (variant, value(variant))).collect();
        values
    };
    let mut axes = Vec::new();
    if !grid.rows.is_empty() {
        axes.push("release in releases".to_owned());
    }
    match distros_by_row(draft) {
        Some(_) => axes.push("distro in release.distros".to_owned()),
        None => {
            let all: Vec<String> = (0..grid.distros.len()).map(|place| grid.distro(place)).collect();
            axes.push(format!("distro in {}", code::list(&all)));
        }
    }
    let cell = [Axis::Release, Axis::Distro];
    if grid.profiles.len() > 1 {
        let label =
            |variant: usize| BTreeSet::from([code::string(&grid.profiles[grid.at(variant, Axis::Profile)])]);
        axes.push(format!("profile in {}", grid.value(&by_variant(&label, &cell), "[]", "profiles")));
    }
    if !grid.of_flavor(Flavor::Dev).is_empty() {
        let label = |variant: usize| BTreeSet::from([grid.variants[variant].flavor.to_string()]);
        let fixed = [Axis::Release, Axis::Distro, Axis::Profile];
        let values = by_variant(&label, &fixed);
        let ordered =
            values.into_iter().map(|(at, text)| (at, text.replace("[dev, runtime]", "[runtime, dev]")));
        axes.push(format!("flavor in {}", grid.value(&ordered.collect(), "[]", "flavors")));
    }
    let label = |variant: usize| draft.entries[variant].arches.iter().map(|arch| arch.to_string()).collect();
    let all = [Axis::Release, Axis::Distro, Axis::Profile, Axis::Flavor];
    axes.push(format!("arch in {}", grid.value(&by_variant(&label, &all), "[]", "arches")));
    let whole = format!("for {}\n", axes.join(", "));
    if whole.chars().count() > 110 { format!("for {}\n", axes.join(",\n  ")) } else { whole }
}
