//! A page that needs no other file and no network: its frame, its one style sheet, and the parts that all pages share.
//!
//! Whoever is shown a run, rounds of corrections and a demonstration shall not have to learn three ways of reading them. So there are
//! a few parts, each a text that stands for itself, and a page is a row of them.

use std::fmt::Write;
use std::path::Path;

use super::Error;

/// How everything looks, by day and by night, on a desk and on a phone.
const STYLE: &str = include_str!("page.css");

/// A page that is being filled.
#[derive(Clone, Debug, Default)]
pub struct Page {
    title: String,
    body: String,
}

impl Page {
    /// An empty page of that title.
    pub fn of(title: &str) -> Self {
        Self { title: escaped(title), body: String::new() }
    }

    /// The sentence that says it all.
    pub fn lead(mut self, sentence: &str) -> Self {
        if !sentence.is_empty() {
            self.body += &format!("<p class=\"lead\">{}</p>\n", escaped(sentence));
        }
        self
    }

    /// One more part, as this module makes them.
    pub fn part(mut self, part: &str) -> Self {
        self.body += part;
        self
    }

    /// A section with its heading, and what is to be known to read it.
    pub fn section(mut self, heading: &str, words: &str, parts: &str) -> Self {
        self.body += &format!("<h2>{}</h2>\n", escaped(heading));
        if !words.is_empty() {
            self.body += &format!("<p>{}</p>\n", escaped(words));
        }
        self.body += parts;
        self
    }

    /// The whole of it.
    pub fn text(&self) -> String {
        let Self { title, body } = self;
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
        )
    }

    /// Writes it to `path`, where it is whole or as it was before.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let disk = |source| Error::Disk { path: path.to_owned(), source };
        let beside = path.with_extension("part");
        std::fs::write(&beside, self.text()).map_err(disk)?;
        std::fs::rename(&beside, path).map_err(disk)
    }
}

/// A paragraph.
pub fn paragraph(words: &str) -> String {
    format!("<p>{}</p>\n", escaped(words))
}

/// Figures that are to be seen first: of each its name, itself, and what it means.
pub fn tiles(tiles: &[[&str; 3]]) -> String {
    let tile = |[name, value, means]: &[&str; 3]| {
        let [name, value, means] = [name, value, means].map(|text| escaped(text));
        format!("<div class=\"tile\"><small>{name}</small><b>{value}</b><small>{means}</small></div>\n")
    };
    format!("<div class=\"tiles\">\n{}</div>\n", tiles.iter().map(tile).collect::<String>())
}

/// Charts, films and ribbons side by side, as many as there is room for.
pub fn figures(figures: &[String]) -> String {
    match figures.is_empty() {
        true => String::new(),
        false => format!("<div class=\"figures\">\n{}</div>\n", figures.concat()),
    }
}

/// The same for figures that are two in one, which take more room.
pub fn broad_figures(inside: &[String]) -> String {
    figures(inside).replacen("class=\"figures\"", "class=\"figures broad\"", 1)
}

/// One figure with its caption and, smaller, what is to be known of it.
pub fn figure(caption: &str, words: &str, inside: &str) -> String {
    let words = match words.is_empty() {
        true => String::new(),
        false => format!("<small>{}</small>", escaped(words)),
    };
    format!("<figure><figcaption>{}{words}</figcaption>\n{inside}</figure>\n", escaped(caption))
}

/// Facts with their names, one below the other.
pub fn facts(rows: &[(String, String)]) -> String {
    let row = |(name, value): &(String, String)| {
        format!("<tr><th>{}</th><td>{}</td></tr>\n", escaped(name), escaped(value))
    };
    let rows: String = rows.iter().map(row).collect();
    format!("<div class=\"wide\"><table><tbody>\n{rows}</tbody></table></div>\n")
}

/// A table; a head that begins with `>` is that of a column of numbers.
pub fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |kind: &str, head: &str, text: &str| {
        let class = if head.starts_with('>') { " class=\"number\"" } else { "" };
        format!("<{kind}{class}>{}</{kind}>", escaped(text))
    };
    let first: String = heads.iter().map(|head| cell("th", head, head.trim_start_matches('>'))).collect();
    let row = |row: &Vec<String>| {
        let cells: String = heads.iter().zip(row).map(|(head, text)| cell("td", head, text)).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = rows.iter().map(row).collect();
    format!(
        "<div class=\"wide\"><table><thead><tr>{first}</tr></thead><tbody>\n{rows}</tbody></table></div>\n"
    )
}

/// Commands for a terminal, one a line; what follows ` # ` is a remark.
pub fn commands(lines: &[String]) -> String {
    let line = |line: &String| match line.split_once(" # ") {
        Some((command, remark)) => format!("{} <i># {}</i>\n", escaped(command), escaped(remark)),
        None if line.starts_with("# ") => format!("<i>{}</i>\n", escaped(line)),
        None => escaped(line) + "\n",
    };
    format!("<pre>{}</pre>\n", lines.iter().map(line).collect::<String>())
}

/// Text as it stands between tags.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.write_char(other).unwrap_or_default(),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_that_is_opened_is_closed_and_text_is_only_text() {
        let rows = vec![vec!["a<b".to_owned(), "1".to_owned()]];
        let parts = table(&["what", ">how many"], &rows) + &tiles(&[["<i>", "2", "\"3\""]]);
        let inside =
            figure("one & two", "more", "<svg></svg>\n") + &commands(&["make demo # all of it".to_owned()]);
        let page = Page::of("a & b").lead("well").section("A heading", "words", &(parts + &inside)).text();
        for tag in [
            "html", "head", "body", "h1", "h2", "p", "table", "tbody", "tr", "td", "div", "figure", "pre",
            "i",
        ] {
            let opened =
                page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
        assert!(
            page.contains("<title>a &amp; b</title>")
                && page.contains("a&lt;b")
                && page.contains("&lt;i&gt;")
        );
        assert!(
            page.contains("<td class=\"number\">1</td>") && page.contains("make demo <i># all of it</i>")
        );
    }

    #[test]
    fn the_style_sheet_reaches_for_nothing_outside() {
        for foreign in ["http", "url(", "@import", "//"] {
            assert!(!STYLE.contains(foreign), "{foreign}");
        }
    }
}
