//! Which windows are in which batch, and the batch made of them.
//!
//! Batches are numbered through the whole run: those of an ensemble's members take turns, and each member has an order of its own. An
//! epoch's last windows that fill no batch are left out of it; the next epoch's order brings them back.

use super::Error;
use super::chance::{Purpose, stream};
use crate::data::{Gathered, Windows};

/// The batches of a run.
#[derive(Debug)]
pub(super) struct Batches<'a> {
    windows: &'a Windows,
    seed: u64,
    size: usize,
    /// For each member the epoch it is in and that epoch's order.
    orders: Vec<(u64, Vec<u32>)>,
}

/// A batch that is made.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// Its windows.
    pub(super) numbers: Vec<u32>,
    /// What is in them.
    pub(super) gathered: Gathered,
    /// What went wrong, where it is not whole.
    pub(super) failed: Option<Error>,
}

impl<'a> Batches<'a> {
    /// Of `size` windows each, or of all where there are fewer.
    pub(super) fn new(windows: &'a Windows, seed: u64, size: usize, members: usize) -> Self {
        let size = size.min(windows.len()).max(1);
        Self { windows, seed, size, orders: vec![(u64::MAX, Vec::new()); members] }
    }

    /// How many of them a member sees in an epoch.
    pub(super) fn an_epoch(&self) -> u64 {
        (self.windows.len() / self.size).max(1) as u64
    }

    /// The windows of batch `number`.
    fn numbers(&mut self, number: u64) -> &[u32] {
        let members = self.orders.len() as u64;
        let (member, count) = ((number % members) as usize, number / members);
        let (epoch, place) = (count / self.an_epoch(), (count % self.an_epoch()) as usize);
        if self.orders[member].0 != epoch {
            let seed = stream(self.seed, Purpose::Order, member, 0).bits();
            self.orders[member] = (epoch, self.windows.order(seed, epoch));
        }
        &self.orders[member].1[place * self.size..][..self.size]
    }

    /// Makes batch `number`.
    pub(super) fn make(&mut self, number: u64, ready: &mut Ready) {
        ready.numbers.clear();
        ready.numbers.extend_from_slice(self.numbers(number));
        let mut noise = stream(self.seed, Purpose::Windows, 0, number);
        let gathered = self.windows.gather(&ready.numbers, &mut noise, &mut ready.gathered);
        ready.failed = gathered.err().map(Error::from);
    }
}
