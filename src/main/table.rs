//! Tables for people: columns as wide as what they hold, numbers to the right, two spaces between.
//!
//! Its lines end without blanks and its cells are measured in characters, so that they can be piped, compared and read
//! with names that are not ASCII.

use std::fmt;

/// A table that is filled row by row and then printed.
#[derive(Debug)]
pub(crate) struct Table {
    heads: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug)]
struct Column {
    name: &'static str,
    right: bool,
}

impl Table {
    /// A table with these columns; a name that begins with `>` makes a column of numbers.
    pub(crate) fn new(heads: &[&'static str]) -> Self {
        let column = |head: &&'static str| match head.strip_prefix('>') {
            Some(name) => Column { name, right: true },
            None => Column { name: head, right: false },
        };
        Self { heads: heads.iter().map(column).collect(), rows: Vec::new() }
    }

    /// One more row; as many cells as there are columns.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.heads.len(), "a cell for each column");
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads: Vec<String> = self.heads.iter().map(|head| head.name.to_owned()).collect();
        let width = |column: usize| {
            self.rows.iter().chain([&heads]).map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        for row in [&heads].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for ((cell, width), head) in row.iter().zip(&widths).zip(&self.heads) {
                line += &if head.right { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") };
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Bytes in the unit that leaves three digits: `41.3 MB`.
pub(crate) fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 999.5 {
            let digits = usize::from(unit != "B" && value < 99.95);
            return format!("{value:.digits$} {unit}");
        }
        value /= 1e3;
    }
    format!("{value:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_end_without_blanks() {
        let mut table = Table::new(&["topic", ">messages", "note"]);
        table.row(vec!["/a".into(), "12".into(), String::new()]);
        table.row(vec!["/long_name".into(), "3".into(), "käse".into()]);
        assert_eq!(
            table.to_string(),
            "topic       messages  note\n/a                12\n/long_name         3  käse\n"
        );
    }

    #[test]
    fn bytes_are_told_in_three_digits() {
        let said = [0, 999, 1_000, 41_300_000, 999_600, 110_000_000_000].map(bytes);
        assert_eq!(said, ["0 B", "999 B", "1.0 kB", "41.3 MB", "1.0 MB", "110 GB"]);
    }
}
