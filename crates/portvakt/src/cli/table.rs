//! Tables, as people read them.

use std::io::{self, Write};

/// Writes rows under their headings, each column as wide as its widest cell.
pub(super) fn write<const N: usize>(
    out: &mut dyn Write,
    headings: [&str; N],
    rows: Vec<[String; N]>,
) -> io::Result<()> {
    let mut all = vec![headings.map(str::to_owned)];
    all.extend(rows);
    let mut widths = [0; N];
    for row in &all {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in &all {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "  {}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

/// Writes the fields of one thing. What it does not have is left out.
pub(super) fn write_fields(out: &mut dyn Write, fields: Vec<(&str, Option<String>)>) -> io::Result<()> {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let there = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (name, value) in there {
        writeln!(out, "{name:<width$}  {value}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut out = Vec::new();
        let row = |one: &str, other: &str| [one.to_owned(), other.to_owned()];
        write(&mut out, ["A", "B"], vec![row("ææææ", "x"), row("b", "")]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "  A     B\n  ææææ  x\n  b\n");
    }
}
