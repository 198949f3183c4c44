//! A gamepad read from the kernel, for when nobody publishes it: what `joy_node` would have said, in the same order.
//!
//! Its whole state is asked for at every look instead of adding up its events: no event can be missed that would leave a
//! button pressed, and a pad that is gone answers with an error at once.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use evdev::{AbsoluteAxisCode, Device, KeyCode};

use super::joy::Pad;
use crate::msg::sensor::Joy;
use crate::node::diagnostics::header;
use crate::time::Stamp;

/// The kernel's codes of the axes that `joy_node` tells, in its order: sticks, triggers, the D-pad.
const AXES: [AbsoluteAxisCode; 8] = [
    AbsoluteAxisCode::ABS_X,
    AbsoluteAxisCode::ABS_Y,
    AbsoluteAxisCode::ABS_Z,
    AbsoluteAxisCode::ABS_RX,
    AbsoluteAxisCode::ABS_RY,
    AbsoluteAxisCode::ABS_RZ,
    AbsoluteAxisCode::ABS_HAT0X,
    AbsoluteAxisCode::ABS_HAT0Y,
];
/// The same of its buttons: A, B, X, Y, left and right shoulder, back, start, guide, the sticks pressed.
const BUTTONS: [KeyCode; 11] = [
    KeyCode::BTN_SOUTH,
    KeyCode::BTN_EAST,
    KeyCode::BTN_NORTH,
    KeyCode::BTN_WEST,
    KeyCode::BTN_TL,
    KeyCode::BTN_TR,
    KeyCode::BTN_SELECT,
    KeyCode::BTN_START,
    KeyCode::BTN_MODE,
    KeyCode::BTN_THUMBL,
    KeyCode::BTN_THUMBR,
];

/// Which gamepad is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first one that is found.
    Auto,
    /// The one of that file, as `/dev/input/event7`.
    At(PathBuf),
}

/// How often a gamepad that is not there is looked for; also how long whoever publishes one has time to be discovered.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Says how a gamepad is held; an error once it is gone.
type Look = Box<dyn Fn(Stamp) -> io::Result<Joy> + Send>;

/// Where a gamepad is plugged in, or is not.
pub(super) struct Port {
    open: Box<dyn Fn() -> io::Result<Look> + Send>,
    plugged: Option<Look>,
    /// When it was looked for last; not yet, where nothing is there.
    looked: Option<Stamp>,
}

impl fmt::Debug for Port {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Port").field("plugged", &self.plugged.is_some()).finish_non_exhaustive()
    }
}

impl Port {
    /// The port of that gamepad, which must be plugged in now.
    pub(super) fn open(which: Which) -> io::Result<Self> {
        Self::of(Box::new(move || Gamepad::open(&which).map(Gamepad::look)))
    }

    /// A port for whatever gamepad is plugged in, which is left alone while `told` says that one is published.
    pub(super) fn spare(told: impl Fn() -> bool + Send + 'static) -> Self {
        let open = move || match told() {
            false => Gamepad::open(&Which::Auto).map(Gamepad::look),
            true => Err(io::Error::new(io::ErrorKind::ResourceBusy, "a gamepad is published")),
        };
        Self { plugged: None, open: Box::new(open), looked: None }
    }

    fn of(open: Box<dyn Fn() -> io::Result<Look> + Send>) -> io::Result<Self> {
        Ok(Self { plugged: Some(open()?), open, looked: None })
    }

    /// Lets go of the gamepad; whether there was one.
    pub(super) fn close(&mut self) -> bool {
        self.plugged.take().is_some()
    }

    /// Looks how the gamepad is held and tells `pad`. Says what is wrong with what it is seen to be.
    pub(super) fn look(&mut self, pad: &mut Pad, now: Stamp) -> Option<String> {
        match self.plugged.as_ref().map(|look| look(now)) {
            Some(Ok(joy)) => return pad.see(&joy, now),
            Some(Err(error)) => {
                // Unplugged counts as let go of: nothing of what it said last holds any more.
                tracing::error!(%error, "the gamepad is gone; it is looked for");
                self.plugged = None;
                self.looked = Some(now);
                pad.unplug();
            }
            None => {
                let looked = *self.looked.get_or_insert(now);
                if now < looked || now >= looked + LOOK_AGAIN {
                    self.looked = Some(now);
                    self.plugged = (self.open)().ok();
                }
            }
        }
        None
    }
}

impl fmt::Display for Which {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => out.write_str("a gamepad"),
            Self::At(path) => write!(out, "the gamepad {path:?}"),
        }
    }
}

/// A gamepad of the kernel's.
#[derive(Debug)]
struct Gamepad {
    device: Device,
    path: PathBuf,
}

impl Gamepad {
    fn open(which: &Which) -> io::Result<Self> {
        match which {
            Which::At(path) => Ok(Self { device: Device::open(path)?, path: path.clone() }),
            Which::Auto => {
                let found = evdev::enumerate().find(|(_, device)| is_gamepad(device));
                let (path, device) = found.ok_or_else(|| {
                    io::Error::new(
                        io::ErrorKind::NotFound,
                        "no gamepad among those of /dev/input that may be read",
                    )
                })?;
                Ok(Self { device, path })
            }
        }
    }

    fn look(self) -> Look {
        let name = self.device.name().unwrap_or("a gamepad without a name");
        tracing::info!("{name} is there, at {}", self.path.display());
        Box::new(move |now| self.read(now))
    }

    fn read(&self, now: Stamp) -> io::Result<Joy> {
        let keys = self.device.get_key_state()?;
        let states = self.device.get_abs_state()?;
        let axis = |code: AbsoluteAxisCode| {
            let state = states[usize::from(code.0)];
            (state.value, state.minimum, state.maximum)
        };
        Ok(joy(|button| keys.contains(button), axis, now))
    }
}

/// Whether a device has what every gamepad has and no keyboard or mouse does.
fn is_gamepad(device: &Device) -> bool {
    let buttons = device.supported_keys().is_some_and(|keys| keys.contains(KeyCode::BTN_SOUTH));
    let sticks = device.supported_absolute_axes().is_some_and(|axes| axes.contains(AbsoluteAxisCode::ABS_X));
    buttons && sticks
}

/// The message for a pad with those buttons pressed and those axes at (value, least, greatest).
///
/// `joy_node` has left and up as +1, the kernel has right and down as the greatest; triggers are +1 released in the one
/// and at their least in the other. So every axis is turned round.
fn joy(
    pressed: impl Fn(KeyCode) -> bool,
    axis: impl Fn(AbsoluteAxisCode) -> (i32, i32, i32),
    now: Stamp,
) -> Joy {
    let share = |code| {
        let (value, least, greatest) = axis(code);
        let span = f64::from(greatest) - f64::from(least);
        if span <= 0.0 {
            return 0.0; // an axis that this pad does not have
        }
        let share = (f64::from(value) - f64::from(least)) / span;
        (1.0 - 2.0 * share).clamp(-1.0, 1.0) as f32
    };
    Joy {
        header: header(now),
        axes: AXES.map(share).to_vec(),
        buttons: BUTTONS.map(|button| i32::from(pressed(button))).to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

    use super::super::drive::Idle;
    use super::super::joy::Config;
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn unplugged_counts_as_let_go_of_at_once_and_a_pad_that_comes_back_is_found() -> io::Result<()> {
        let (there, pressed) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
        let (plugged, held_down) = (there.clone(), pressed.clone());
        let gone = || io::Error::from_raw_os_error(19); // ENODEV, as the kernel says it
        let mut port = Port::of(Box::new(move || {
            let (plugged, held_down) = (plugged.clone(), held_down.clone());
            if !plugged.load(Relaxed) {
                return Err(gone());
            }
            Ok(Box::new(move |now| {
                let held = joy(|button| button == KeyCode::BTN_TL && held_down.load(Relaxed), xbox, now);
                plugged.load(Relaxed).then_some(held).ok_or_else(gone)
            }))
        }))?;
        let mut pad = Pad::new(Config::default(), 200.0, false);
        let mut hand = |at: i64| {
            assert_eq!(port.look(&mut pad, Stamp(at)), None);
            pad.hand(Stamp(at)).map(|hand| hand.shares[1])
        };
        assert_eq!(hand(0), Ok(1.0));
        there.store(false, Relaxed);
        assert_eq!(hand(SECOND / 100), Err(Idle::Quiet));
        there.store(true, Relaxed);
        assert_eq!(hand(SECOND / 2), Err(Idle::Quiet), "it is looked for every two seconds");
        assert_eq!(hand(3 * SECOND), Err(Idle::Quiet), "it is found");
        assert_eq!(
            hand(3 * SECOND + 1),
            Err(Idle::LetGo),
            "with the button pressed as if nothing had happened"
        );
        pressed.store(false, Relaxed);
        assert_eq!(hand(3 * SECOND + 2), Err(Idle::Released));
        pressed.store(true, Relaxed);
        assert_eq!(hand(3 * SECOND + 3), Ok(1.0));
        Ok(())
    }

    #[test]
    fn a_gamepad_that_is_published_is_not_read_and_nobody_asks_before_publishers_can_be_known() {
        let asked = Arc::new(AtomicU32::new(0));
        let count = asked.clone();
        let mut port = Port::spare(move || {
            count.fetch_add(1, Relaxed);
            true
        });
        let mut pad = Pad::new(Config::default(), 200.0, false);
        for tenth in 0..50 {
            port.look(&mut pad, Stamp(tenth * SECOND / 10));
        }
        assert_eq!((asked.load(Relaxed), port.close()), (2, false), "at 2 s and at 4 s");
    }

    /// The figures of an Xbox pad: sticks of 16 bits, triggers from 0, a D-pad of three places.
    fn xbox(code: AbsoluteAxisCode) -> (i32, i32, i32) {
        match code {
            AbsoluteAxisCode::ABS_X => (-32768, -32768, 32767),
            AbsoluteAxisCode::ABS_Y => (32767, -32768, 32767),
            AbsoluteAxisCode::ABS_Z => (0, 0, 1023),
            AbsoluteAxisCode::ABS_RZ => (1023, 0, 1023),
            AbsoluteAxisCode::ABS_HAT0X => (0, -1, 1),
            AbsoluteAxisCode::ABS_HAT0Y => (-1, -1, 1),
            _ => (0, 0, 0),
        }
    }

    #[test]
    fn a_pad_reads_as_joy_node_would_say_it() {
        let shoulders = |button| [KeyCode::BTN_TL, KeyCode::BTN_WEST].contains(&button);
        let said = joy(shoulders, xbox, Stamp(5));
        assert_eq!(
            said.axes,
            [1.0, -1.0, 1.0, 0.0, 0.0, -1.0, 0.0, 1.0],
            "left and up are +1, a trigger rests at +1"
        );
        assert_eq!(said.buttons, [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(said.header.stamp.nanosec, 5);
    }

    #[test]
    fn a_stick_in_the_middle_is_within_the_dead_band() {
        let middle = |_| (128, 0, 255);
        assert!(joy(|_| false, middle, Stamp(0)).axes.iter().all(|axis| axis.abs() < 0.01));
    }

    #[test]
    fn a_device_that_is_not_there_is_an_error_with_a_reason() {
        let error = Gamepad::open(&Which::At("/dev/input/event-none".into())).expect_err("it is not there");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
