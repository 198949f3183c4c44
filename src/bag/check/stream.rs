//! One stream's account: intervals, delays and times that run backwards.
//!
//! Intervals are counted in buckets of a sixteenth of an octave, so that percentiles of a day's recording cost no
//! more memory than those of a second; the least, the most and the mean are exact.

use std::time::Duration;

use serde::Serialize;

use crate::bag::Track;
use crate::time::Stamp;
use crate::wire::Sample;

/// An interval this many times the median is a gap.
const GAP: f64 = 3.0;
/// So many of the longest silences are told with their time.
const TOLD: usize = 3;
/// Buckets an octave; octaves of a 64-bit count of nanoseconds.
const FINE: usize = 16;
const OCTAVES: usize = 64;

/// The intervals between receipts, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The shortest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The median, to 5 %.
    pub median: f64,
    /// Of a hundred the longest but one, to 5 %.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// How long after their own stamp messages were received, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delay {
    /// The shortest; negative where stamps lie ahead of receipt.
    pub min: f64,
    /// The median of those that are not negative, to 5 %; the mean where most are.
    pub median: f64,
    /// The longest.
    pub max: f64,
}

/// A silence in a stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Silence {
    /// When it began, in seconds after the recording's first message.
    pub at_s: f64,
    /// How long it was.
    pub ms: f64,
}

/// What one stream is like.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StreamReport {
    /// Its topic.
    pub topic: String,
    /// Its type.
    pub type_name: String,
    /// Its messages that could be read.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Messages a second between its first and its last; `None` for fewer than two.
    pub rate_hz: Option<f64>,
    /// The intervals between receipts; `None` for fewer than two messages.
    pub interval_ms: Option<Interval>,
    /// Silences over three times the median interval.
    pub gaps: u64,
    /// The longest of them, the longest first.
    pub silences: Vec<Silence>,
    /// Silences over the age that was expected.
    pub over_age: u64,
    /// Stamps that lie before the one before.
    pub header_backwards: u64,
    /// Messages too short for the header their type begins with.
    pub header_unreadable: u64,
    /// How long after their stamps messages were received; `None` where the type has none.
    pub delay_ms: Option<Delay>,
    /// How long after the recording's first message its own first came.
    pub begins_after_ms: f64,
    /// How long before the recording's last message its own last came.
    pub ends_before_ms: f64,
    /// Messages the recorder noted as lost.
    pub lost: u64,
}

/// Counts of durations by size.
struct Buckets {
    counts: Vec<u64>,
    total: u64,
}

impl Buckets {
    fn new() -> Self {
        Self { counts: vec![0; OCTAVES * FINE], total: 0 }
    }

    fn place(nanoseconds: f64) -> usize {
        ((nanoseconds.max(1.0).log2() * FINE as f64) as usize).min(OCTAVES * FINE - 1)
    }

    fn count(&mut self, nanoseconds: i64) {
        self.counts[Self::place(nanoseconds as f64)] += 1;
        self.total += 1;
    }

    /// The duration below which `share` of all lie: the middle of its bucket.
    fn quantile(&self, share: f64) -> f64 {
        let wanted = (self.total as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        ((found.unwrap_or(0) as f64 + 0.5) / FINE as f64).exp2()
    }

    fn above(&self, nanoseconds: f64) -> u64 {
        self.counts[Self::place(nanoseconds) + 1..].iter().sum()
    }
}

/// A stream being read.
pub(super) struct Account {
    topic: String,
    type_name: String,
    has_header: bool,
    max_age: Option<Duration>,
    messages: u64,
    bytes: u64,
    /// The first and the last receipt.
    received: Option<(Stamp, Stamp)>,
    stamped: Option<Stamp>,
    intervals: Buckets,
    extremes: (i64, i64),
    /// The longest intervals: when they began and how long they were.
    longest: Vec<(i64, Stamp)>,
    over_age: u64,
    delays: Buckets,
    delay_extremes: Option<(i64, i64)>,
    delay_sum: f64,
    header_backwards: u64,
    header_unreadable: u64,
}

/// Whether a type begins with a `std_msgs/Header`, by its definition: its first field is one.
fn begins_with_header(definition: &str) -> bool {
    let lines = definition.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    let field = |line: &&str| !line.is_empty() && !line.contains('=');
    let first = lines.into_iter().find(field).and_then(|line| line.split_whitespace().next());
    matches!(first, Some("std_msgs/Header" | "std_msgs/msg/Header" | "Header"))
}

/// The stamp a message begins with: seconds and nanoseconds after the four bytes of encapsulation.
fn leading_stamp(cdr: &[u8]) -> Option<Stamp> {
    let seconds: [u8; 4] = cdr.get(4..8)?.try_into().ok()?;
    let nanoseconds: [u8; 4] = cdr.get(8..12)?.try_into().ok()?;
    let little = cdr[1] & 1 == 1;
    let (seconds, nanoseconds) = match little {
        true => (i32::from_le_bytes(seconds), u32::from_le_bytes(nanoseconds)),
        false => (i32::from_be_bytes(seconds), u32::from_be_bytes(nanoseconds)),
    };
    Some(Stamp::from_parts(seconds, nanoseconds))
}

impl Account {
    pub(super) fn new(track: &Track, max_age: Option<Duration>) -> Self {
        Self {
            topic: track.topic.name.clone(),
            type_name: track.topic.type_name.clone(),
            has_header: begins_with_header(&track.definition),
            max_age,
            messages: 0,
            bytes: 0,
            received: None,
            stamped: None,
            intervals: Buckets::new(),
            extremes: (i64::MAX, 0),
            longest: Vec::new(),
            over_age: 0,
            delays: Buckets::new(),
            delay_extremes: None,
            delay_sum: 0.0,
            header_backwards: 0,
            header_unreadable: 0,
        }
    }

    /// Counts a message.
    pub(super) fn take(&mut self, sample: &Sample) {
        self.messages += 1;
        self.bytes += sample.cdr.len() as u64;
        let (first, last) = self.received.unwrap_or((sample.received, sample.received));
        if self.received.is_some() {
            self.take_interval(last, sample.received);
        }
        self.received = Some((first, sample.received));
        if self.has_header {
            match leading_stamp(&sample.cdr) {
                Some(stamp) => self.take_stamp(stamp, sample.received),
                None => self.header_unreadable += 1,
            }
        }
    }

    fn take_interval(&mut self, from: Stamp, to: Stamp) {
        let interval = i64::try_from(to.since(from).as_nanos()).unwrap_or(i64::MAX);
        self.intervals.count(interval);
        self.extremes = (self.extremes.0.min(interval), self.extremes.1.max(interval));
        self.over_age += u64::from(self.max_age.is_some_and(|limit| to.since(from) > limit));
        self.longest.push((interval, from));
        self.longest.sort_by_key(|(interval, _)| std::cmp::Reverse(*interval));
        self.longest.truncate(TOLD);
    }

    fn take_stamp(&mut self, stamp: Stamp, received: Stamp) {
        self.header_backwards += u64::from(self.stamped.is_some_and(|before| stamp < before));
        self.stamped = Some(stamp);
        let delay = received.0.saturating_sub(stamp.0);
        let (least, most) = self.delay_extremes.unwrap_or((delay, delay));
        self.delay_extremes = Some((least.min(delay), most.max(delay)));
        self.delay_sum += delay as f64;
        if delay >= 0 {
            self.delays.count(delay);
        }
    }

    fn delay(&self) -> Option<Delay> {
        let stamped = self.messages - self.header_unreadable;
        let mostly_positive = self.delays.total * 2 >= stamped;
        let mean = self.delay_sum / stamped.max(1) as f64;
        let median = if mostly_positive { self.delays.quantile(0.5) } else { mean };
        self.delay_extremes.map(|(least, most)| Delay { min: ms(least), median: median / 1e6, max: ms(most) })
    }

    /// What the stream is like in a recording of that span.
    pub(super) fn report(self, span: Option<(Stamp, Stamp)>, lost: impl Fn(&str) -> u64) -> StreamReport {
        let (begin, end) = span.unwrap_or_default();
        let (first, last) = self.received.unwrap_or((begin, end));
        let seconds = last.since(first).as_secs_f64();
        let intervals = self.intervals.total;
        let median = self.intervals.quantile(0.5);
        let gaps = if intervals > 0 { self.intervals.above(median * GAP) } else { 0 };
        let silence = |(interval, from): &(i64, Stamp)| Silence {
            at_s: from.since(begin).as_secs_f64(),
            ms: ms(*interval),
        };
        StreamReport {
            lost: lost(&self.topic),
            delay_ms: self.delay(),
            rate_hz: (intervals > 0 && seconds > 0.0).then(|| intervals as f64 / seconds),
            interval_ms: (intervals > 0).then(|| Interval {
                min: ms(self.extremes.0),
                mean: seconds * 1e3 / intervals as f64,
                median: median / 1e6,
                p99: self.intervals.quantile(0.99) / 1e6,
                max: ms(self.extremes.1),
            }),
            gaps,
            silences: self.longest.iter().take(usize::try_from(gaps).unwrap_or(TOLD)).map(silence).collect(),
            over_age: self.over_age,
            header_backwards: self.header_backwards,
            header_unreadable: self.header_unreadable,
            begins_after_ms: first.since(begin).as_secs_f64() * 1e3,
            ends_before_ms: end.since(last).as_secs_f64() * 1e3,
            topic: self.topic,
            type_name: self.type_name,
            messages: self.messages,
            bytes: self.bytes,
        }
    }
}

fn ms(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_recognised_by_the_first_field_only() {
        assert!(begins_with_header("# An image\n\nuint8 A = 1\nstd_msgs/Header header # with its time\n"));
        assert!(!begins_with_header("float64 x\nstd_msgs/Header header\n"));
        assert!(!begins_with_header(""));
    }

    #[test]
    fn a_stamp_is_read_in_either_byte_order() {
        let little = [0, 1, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0];
        let big = [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3];
        assert_eq!(leading_stamp(&little), Some(Stamp(2_000_000_003)));
        assert_eq!(leading_stamp(&big), Some(Stamp(2_000_000_003)));
        assert_eq!(leading_stamp(&little[..11]), None);
    }

    #[test]
    fn quantiles_are_within_a_twentieth() {
        let mut buckets = Buckets::new();
        (1..=1000).for_each(|n| buckets.count(n * 1_000_000));
        for share in [0.01, 0.5, 0.99] {
            let ratio = buckets.quantile(share) / (share * 1e9);
            assert!((0.95..1.05).contains(&ratio), "{share}: {ratio}");
        }
    }
}
