//! `apprentice bag recover`, `label` and `delete`: what changes recordings.
//!
//! They stand apart from the commands that only read: what cannot be undone asks first, and where nobody
//! can be asked it wants to be told in so many words.

use std::io::{self, BufRead, IsTerminal, Write};

use apprentice::bag;

use super::Bags;
use crate::command::notes::{NoteArgs, of_success};
use crate::command::options::{WrongUse, put};

/// Make recordings whole whose writer died; whole ones are left as they are
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  apprentice bag recover demos/episode_0007
  apprentice bag recover demos")]
pub(crate) struct Recover {
    #[command(flatten)]
    bags: Bags,
    /// Print JSON: a list with one object for each recording
    #[arg(long)]
    json: bool,
}

impl Recover {
    /// Recovers each recording and says what was found.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut found = Vec::new();
        let done = self.bags.each(|path| {
            let recovered = bag::recover(path)?;
            if !self.json {
                match recovered.changed {
                    false => println!("{}: whole, {} messages", path.display(), recovered.messages),
                    true => println!(
                        "{}: made whole, {} messages{}; {} bytes at its end held no whole message",
                        path.display(),
                        recovered.messages,
                        recovered.noted.map(|noted| format!(" of {noted}")).unwrap_or_default(),
                        recovered.dropped_bytes
                    ),
                }
            }
            found.push(serde_json::json!({
                "path": path.display().to_string(),
                "changed": recovered.changed,
                "messages": recovered.messages,
                "of": recovered.noted,
                "dropped_bytes": recovered.dropped_bytes,
            }));
            Ok(())
        });
        if self.json {
            put(&serde_json::to_string_pretty(&found)?)?;
        }
        done
    }
}

/// Note something in recordings: whether it went well, what was shown, by whom
#[derive(clap::Args, Debug)]
#[command(after_help = "\
An empty value takes a note away.

Examples:
  apprentice bag label demos/episode_0003 --success false
  apprentice bag label demos --task 'put the cup on the plate' --note light=evening")]
#[command(group(clap::ArgGroup::new("said").args(["success", "task", "operator", "note"]).required(true).multiple(true)))]
pub(crate) struct Label {
    #[command(flatten)]
    bags: Bags,
    /// Whether what was shown went well
    #[arg(long, value_name = "true|false")]
    success: Option<bool>,
    #[command(flatten)]
    notes: NoteArgs,
}

impl Label {
    /// Notes it in each recording.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut notes = self.notes.notes();
        notes.extend(self.success.map(of_success));
        self.bags.each(|path| Ok(bag::label(path, &notes)?))
    }
}

/// Delete recordings, after asking
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  apprentice bag delete demos/episode_0003
  apprentice bag delete --yes demos/episode_0003 demos/episode_0004")]
pub(crate) struct Delete {
    #[command(flatten)]
    bags: Bags,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Delete {
    /// Deletes each recording once it is sure that this is meant.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if !self.yes && !self.meant()? {
            println!("Nothing was deleted.");
            return Ok(());
        }
        self.bags.each(|path| {
            bag::delete(path)?;
            println!("deleted {}", path.display());
            Ok(())
        })
    }

    fn meant(&self) -> anyhow::Result<bool> {
        if !io::stdin().is_terminal() {
            let why = "nobody can be asked here whether this is meant: say --yes";
            return Err(WrongUse(why.to_owned()).into());
        }
        let found = self.bags.found()?;
        for path in &found {
            println!("{}", path.display());
        }
        print!("Delete {} for good? [y/N] ", if found.len() == 1 { "it" } else { "them all" });
        io::stdout().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}
