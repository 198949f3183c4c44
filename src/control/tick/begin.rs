//! Where commands begin when another drives, and where an arm is left that nobody moves any more.
//!
//! An arm may be elsewhere than it was told to be, and has to go on from where it is; a gripper always is, and has to press on.

use super::{Control, Moment};
use crate::control::gate::Mode;

impl Control {
    /// Prepares for a change of driver.
    pub(super) fn begin(&mut self, before: Mode, mode: Mode, moment: &Moment<'_>) {
        let held = matches!(before, Mode::Hold(_));
        let leaves = held && !matches!(mode, Mode::Hold(_));
        // After a hold the robot may have sagged or been pushed: it goes on from where it is, not from where it was told to be.
        if (self.command().is_none() || (leaves && self.rests()))
            && let Some(measured) = moment.measured.filter(|measured| measured.len() == self.wanted.len())
        {
            self.wanted.copy_from_slice(measured);
            self.grasp();
            if self.held.begin(&self.wanted) {
                self.handover.start(&self.wanted, moment.now);
            }
        }
        // A plan begins where the robot stands; a person's hand need not.
        let changes = mode != before && !matches!(mode, Mode::Hold(_));
        if changes && !(held && mode == Mode::Policy && self.rests()) {
            self.handover.begin(moment.now);
        }
    }

    /// Has a gripper that is still told what to do go on doing it: told to be where it is, it would drop what it holds.
    fn grasp(&mut self) {
        let Some(told) = self.held.command().filter(|_| self.driven) else { return };
        for (joint, (wanted, told)) in self.wanted.iter_mut().zip(told).enumerate() {
            if self.held.grips(joint) {
                *wanted = *told;
            }
        }
    }

    /// Has an arm that does not come along stay where it is, so that nothing goes on pressing against whatever keeps it; whether it was
    /// told. Then it is out of reach, whatever it is held for: told nothing more, it binds nobody who lets it go on.
    pub(super) fn leave(&mut self, measured: Option<&[f64]>) -> bool {
        if let Some(measured) = measured.filter(|_| !self.left) {
            self.held.leave(measured, &mut self.wanted);
            self.left = self.held.begin(&self.wanted);
            return !self.left;
        }
        true
    }
}
