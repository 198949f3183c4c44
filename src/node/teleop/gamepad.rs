//! A gamepad read from the kernel, for when nobody publishes it: what `joy_node` would have said, in the same order.
//!
//! Its whole state is asked for at every look instead of adding up its events: no event can be missed that would leave a
//! button pressed, and a pad that is gone answers with an error at once.

use std::io;
use std::path::{Path, PathBuf};

use evdev::{AbsoluteAxisCode, Device, KeyCode};

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

/// A gamepad that is plugged in.
#[derive(Debug)]
pub(super) struct Gamepad {
    device: Device,
    path: PathBuf,
}

impl Gamepad {
    /// Opens it.
    pub(super) fn open(which: &Which) -> io::Result<Self> {
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

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        self.device.name().unwrap_or("a gamepad without a name")
    }

    /// How it is held now; an error where it is gone.
    pub(super) fn read(&self, now: Stamp) -> io::Result<Joy> {
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
    use super::*;

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
