//! The one terminal of this process: a block of lines at its foot that is redrawn in place, and log lines that pass
//! above it.
//!
//! The state is global because the terminal is: whoever logs, panics or handles a signal must not write through a
//! table that another thread is drawing. Whichever way the process goes, the terminal is put back: by the guard's
//! drop on a return or a panic, by [`restore`] on a second signal.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal;

/// The lines of the block as drawn; `None` while nobody has taken the terminal.
static BLOCK: Mutex<Option<Vec<String>>> = Mutex::new(None);

fn block() -> MutexGuard<'static, Option<Vec<String>>> {
    BLOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a person pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A letter, as on the key, or a space.
    Char(char),
    /// The enter key.
    Enter,
    /// Ctrl-C, which a terminal in raw mode no longer makes a signal of.
    Interrupt,
}

/// The terminal, taken: keys come one by one and unechoed. Dropped, it is put back.
#[derive(Debug)]
pub struct Screen {
    /// Whether more may have been typed than was taken.
    more: Cell<bool>,
}

impl Screen {
    /// Takes the terminal.
    pub fn take() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(panics_pass_above);
        terminal::enable_raw_mode()?;
        *block() = Some(Vec::new());
        Ok(Self { more: Cell::new(false) })
    }

    /// Draws the block in place of the last one. A terminal that cannot be written to is no reason to end.
    ///
    /// Lines beyond the terminal's foot are left out: they could not be erased again.
    pub fn draw(&self, mut lines: Vec<String>) {
        lines.truncate(Self::size().1.saturating_sub(1));
        let mut block = block();
        if let Some(drawn) = block.as_mut() {
            let text = format!("{}{}", erase(drawn.len()), laid_out(&lines));
            *drawn = lines;
            put(&text);
        }
    }

    /// The next key of a screen, if one was pressed. One that is gone is said to be, once, and given up.
    pub fn next(screen: &mut Option<Self>) -> Option<Key> {
        let pressed = screen.as_ref()?.key();
        pressed.unwrap_or_else(|error| {
            tracing::error!(%error, "keys can no longer be read; the services still work");
            *screen = None;
            None
        })
    }

    /// The next key, if one was pressed. crossterm is asked where something was typed only: where the terminal is gone it would
    /// never come back.
    pub fn key(&self) -> io::Result<Option<Key>> {
        let more = typed()? || self.more.take();
        while more && event::poll(Duration::ZERO)? {
            if let Event::Key(pressed) = event::read()?
                && pressed.kind != KeyEventKind::Release
                && let Some(key) = key_of(pressed.code, pressed.modifiers)
            {
                self.more.set(true);
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Columns of the terminal.
    pub fn width(&self) -> usize {
        Self::size().0
    }

    /// Columns and rows. A terminal that does not tell, or says zero, has what terminals always had.
    fn size() -> (usize, usize) {
        let told = |size: u16, usual| if size == 0 { usual } else { usize::from(size) };
        terminal::size().map_or((80, 24), |(columns, rows)| (told(columns, 80), told(rows, 24)))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether something was typed; an error where the terminal is gone.
fn typed() -> io::Result<bool> {
    Ok(rustix::io::ioctl_fionread(io::stdin())? > 0)
}

/// What a key means. Together with control or the like a letter is another key: who means to end their shell with
/// Ctrl-D does not mean to discard an episode.
fn key_of(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
    let is_plain = modifiers.difference(KeyModifiers::SHIFT).is_empty();
    match code {
        KeyCode::Char('c' | 'C') if modifiers.contains(KeyModifiers::CONTROL) => Some(Key::Interrupt),
        KeyCode::Char(letter) if is_plain => Some(Key::Char(letter)),
        KeyCode::Enter if is_plain => Some(Key::Enter),
        _ => None,
    }
}

/// Puts the terminal back, if it was taken; the last block stays readable above the prompt.
pub fn restore() {
    if block().take().is_some()
        && let Err(error) = terminal::disable_raw_mode()
    {
        tracing::warn!(%error, "the terminal could not be put back; the command `reset` does it");
    }
}

/// Where log lines go: above the block while the terminal is taken, else to standard error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Above;

impl Write for Above {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        match block().as_ref() {
            Some(drawn) => {
                let lines = String::from_utf8_lossy(text).replace('\n', "\r\n");
                put(&format!("{}{lines}{}", erase(drawn.len()), laid_out(drawn)));
            }
            // Whoever logs would be ended by an error, a robot's loop too, where the terminal is gone.
            None => io::stderr().write_all(text).unwrap_or_default(),
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Has the words of a panic pass above the block too: a writer thread may die while the recorder goes on.
fn panics_pass_above() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let taken = block().is_some();
        if !taken || writeln!(Above, "{panic}").is_err() {
            before(panic);
        }
    }));
}

/// Moves to the first of `lines` drawn lines and clears from there.
fn erase(lines: usize) -> String {
    if lines == 0 { "\r\x1b[J".to_owned() } else { format!("\x1b[{lines}A\r\x1b[J") }
}

fn laid_out(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect()
}

fn put(text: &str) {
    let mut out = io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        // Nobody is left to be told: the terminal itself is gone.
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_erased_line_by_line_and_no_further() {
        assert_eq!(erase(0), "\r\x1b[J");
        assert_eq!(erase(3), "\x1b[3A\r\x1b[J");
        assert_eq!(laid_out(&["a".to_owned(), "b".to_owned()]), "a\r\nb\r\n");
    }

    #[test]
    fn a_letter_with_control_or_alt_is_no_plain_letter() {
        let [none, shift, control, alt] =
            [KeyModifiers::NONE, KeyModifiers::SHIFT, KeyModifiers::CONTROL, KeyModifiers::ALT];
        for letter in ['d', 's', 'f', 'l', 'q', ' '] {
            assert_eq!(key_of(KeyCode::Char(letter), none), Some(Key::Char(letter)));
            assert_eq!(key_of(KeyCode::Char(letter), control), None, "Ctrl-{letter}");
            assert_eq!(key_of(KeyCode::Char(letter), alt), None, "Alt-{letter}");
        }
        assert_eq!(key_of(KeyCode::Char('D'), shift), Some(Key::Char('D')));
        assert_eq!(key_of(KeyCode::Char('c'), control), Some(Key::Interrupt));
        assert_eq!(key_of(KeyCode::Char('c'), none), Some(Key::Char('c')));
        assert_eq!(key_of(KeyCode::Enter, none), Some(Key::Enter));
    }

    #[test]
    fn a_terminal_that_was_never_taken_needs_no_restoring() {
        restore();
        assert!(block().is_none());
    }
}
