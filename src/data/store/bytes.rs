//! Rows of numbers as bytes: how many, then each of them, the least significant byte first.
//!
//! Reading holds every length against what is left, so that a damaged file is an absence and never a panic.

use super::{Stretch, Take};
use crate::data::driver::Driver;
use crate::data::summary::Account;
use crate::time::Stamp;

/// A number of a fixed count of bytes.
pub(super) trait Plain: Copy {
    fn put(self, out: &mut Vec<u8>);
    fn take(from: &mut &[u8]) -> Option<Self>;
}

macro_rules! plain {
    ($($number:ty)+) => {
        $(impl Plain for $number {
            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                let (bytes, rest) = from.split_first_chunk()?;
                *from = rest;
                Some(Self::from_le_bytes(*bytes))
            }
        })+
    };
}

plain!(u8 u32 u64 i64 f32);

pub(super) fn put_row<T: Plain>(out: &mut Vec<u8>, row: impl ExactSizeIterator<Item = T>) {
    (row.len() as u64).put(out);
    row.for_each(|value| value.put(out));
}

pub(super) fn take_row<T: Plain>(from: &mut &[u8]) -> Option<Vec<T>> {
    let count = usize::try_from(u64::take(from)?).ok()?;
    // A count that cannot be is not given memory.
    if count.checked_mul(size_of::<T>())? > from.len() {
        return None;
    }
    (0..count).map(|_| T::take(from)).collect()
}

/// All of a take but its pictures.
pub(super) fn put_take(out: &mut Vec<u8>, take: &Take) {
    put_row(out, take.stamps.iter().map(|stamp| stamp.0));
    for row in [&take.state, &take.past, &take.actions, &take.goals] {
        put_row(out, row.iter().copied());
    }
    (take.unaimed as u64).put(out);
    put_row(out, take.drivers.iter().map(|driver| driver.byte()));
    put_row(out, take.labelled.iter().map(|labelled| u8::from(*labelled)));
    (take.places.len() as u64).put(out);
    take.places.iter().for_each(|places| put_row(out, places.iter().copied()));
    put_row(out, take.stretches.iter().map(|stretch| stretch.first as u64));
    put_row(out, take.stretches.iter().map(|stretch| stretch.ticks as u64));
    let account = serde_json::to_vec(&take.account).expect("counts and words always have a JSON");
    put_row(out, account.into_iter());
}

pub(super) fn take_take(from: &mut &[u8]) -> Option<Take> {
    let stamps: Vec<Stamp> = take_row(from)?.into_iter().map(Stamp).collect();
    let [state, past, actions, goals] = [(); 4].map(|()| take_row::<f32>(from));
    let unaimed = usize::try_from(u64::take(from)?).ok()?;
    let drivers = take_row(from)?.into_iter().map(Driver::of).collect();
    let labelled = take_row::<u8>(from)?.into_iter().map(|labelled| labelled != 0).collect();
    let cameras = u64::take(from)?;
    let places = (0..cameras).map(|_| take_row(from)).collect::<Option<_>>()?;
    let (firsts, ticks) = (take_row::<u64>(from)?, take_row::<u64>(from)?);
    let stretch = |(first, ticks): (u64, u64)| {
        Some(Stretch { first: usize::try_from(first).ok()?, ticks: usize::try_from(ticks).ok()? })
    };
    let stretches = firsts.into_iter().zip(ticks).map(stretch).collect::<Option<_>>()?;
    let account: Account = serde_json::from_slice(&take_row::<u8>(from)?).ok()?;
    let (state, past, actions, goals) = (state?, past?, actions?, goals?);
    Some(Take { stamps, state, past, actions, goals, unaimed, drivers, labelled, places, stretches, account })
}
