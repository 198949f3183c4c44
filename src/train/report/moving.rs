//! Films within a page: the file itself, so that the page needs no other.
//!
//! A page that is sent to somebody shall show there what it shows here.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::page::escaped;
use crate::train::Error;

/// A film as a part of a figure; `words` say what is to be seen, for whoever does not see it.
pub fn film(path: &Path, words: &str) -> Result<String, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Disk { path: path.to_owned(), source })?;
    let text = STANDARD.encode(bytes);
    Ok(format!("<img alt=\"{}\" src=\"data:image/gif;base64,{text}\">\n", escaped(words)))
}

/// Two films side by side, each with the words below it, which are good or bad news.
pub fn pair(films: [(&str, &str, bool); 2]) -> String {
    let one = |(film, words, good): (&str, &str, bool)| {
        let class = if good { "good" } else { "bad" };
        format!("<div>{film}<b class=\"{class}\">{}</b></div>", escaped(words))
    };
    format!("<div class=\"pair\">{}</div>\n", films.map(one).concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_is_within_the_page() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("film.gif");
        std::fs::write(&path, b"GIF89a")?;
        let film = film(&path, "a <cube>")?;
        assert_eq!(film, "<img alt=\"a &lt;cube&gt;\" src=\"data:image/gif;base64,R0lGODlh\">\n");
        assert!(
            pair([(&film, "before", false), (&film, "after", true)]).contains("<b class=\"good\">after</b>")
        );
        Ok(())
    }
}
