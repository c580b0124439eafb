//! Names that are nearly right.

/// A help line: the one of `known` that is nearest to `name`, or all of them.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    let near = known.iter().map(|other| (distance(name, other), *other)).min();
    match near {
        Some((distance, other)) if distance <= 1 + name.chars().count() / 4 => {
            format!("did you mean `{other}`?")
        }
        _ => format!("known are: {}", known.join(", ")),
    }
}

/// The number of characters to insert, drop or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (at, b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_else_all() {
        assert_eq!(did_you_mean("nonrot", ["root", "nonroot"]), "did you mean `nonroot`?");
        assert_eq!(did_you_mean("redis", ["www", "nonroot"]), "known are: nonroot, www");
    }
}
