//! What came out of an experiment, as a table: for a terminal and a README in Markdown, for a page in its own way.
//!
//! Every experiment fills one; how it looks is decided once, here, so that a figure reads the same wherever it is met.

use crate::train::report::page;

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns.
    pub heads: Vec<&'static str>,
    /// The cells, row by row; what is between backticks is a name.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// In Markdown.
    pub fn markdown(&self) -> String {
        let mut lines =
            vec![format!("| {} |", self.heads.join(" | ")), "|---".repeat(self.heads.len()) + "|"];
        lines.extend(self.rows.iter().map(|row| format!("| {} |", row.join(" | "))));
        lines.join("\n")
    }

    /// As a part of a page.
    pub fn part(&self) -> String {
        let plain = |text: &str| text.replace('`', "");
        let heads: Vec<String> = self.heads.iter().map(|head| plain(head)).collect();
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
        page::table(&heads, &rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_for_each_row_and_no_backticks_on_a_page() {
        let table = Table { heads: vec!["`a`", "b"], rows: vec![vec!["`x`".to_owned(), "1 %".to_owned()]] };
        assert_eq!(table.markdown(), "| `a` | b |\n|---|---|\n| `x` | 1 % |");
        let part = table.part();
        assert!(part.contains(">x<") && part.contains(">a<") && !part.contains('`'), "{part}");
    }
}
