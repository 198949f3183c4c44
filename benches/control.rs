//! How well control keeps time while a policy thinks, beside a bare loop that does nothing but keep time under the same load.
//!
//! ```text
//! cargo bench --bench control -- [SECONDS]        so long control keeps time at 250 Hz: 12 where nothing is said, 300 for the figure
//! ```
//!
//! A robot in a process of its own tells its joints and two cameras over DDS; a runner sees all of it, thinks with a convolutional
//! network on one thread of libtorch at each of 25 instants a second, and commands the robot. The bare loop keeps the same absolute
//! deadlines with the same precedence, while a runner that commands as seldom as it can sees and thinks as before. They take turns,
//! so that whatever else the machine does falls on both; what counts is the difference.
//!
//! Built with `--features ros`, in a shell that has ROS 2, the runner drives over ROS 2 and over DDS by turns.
//!
//! The robot also presses the dead-man button now and then, and counts the commands until one is the person's. A press that comes
//! while a command is being made cannot be in it: two are the bound, and one of them is on its way when the button goes down.

#[path = "support/arm.rs"]
mod arm;
#[path = "../tests/support/patience.rs"]
mod patience;
#[path = "../tests/support/training.rs"]
mod training;
#[path = "../tests/support/waves.rs"]
mod waves;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use apprentice::bus::Bus;
use apprentice::data::Layout;
use apprentice::nn::device::Device;
use apprentice::node::runner::{Counted, Options, Pace, Report, Robot, Runner, policy};
use apprentice::node::{Context, Stop};
use apprentice::precedence::Granted;
use arm::Away;
use rustix::thread::{ClockId, clock_nanosleep_absolute};
use rustix::time::{Timespec, clock_gettime};

/// The rates of control that are looked at, and for which share of the time that is asked for.
const RATES: [(u32, f64); 2] = [(250, 1.0), (50, 0.2)];
/// Of what is looked at, each is looked at so many times.
const ROUNDS: u32 = 5;
/// The rate of commands while the bare loop is looked at: as seldom as the runner's own settings go with what it sees.
const SELDOM: u32 = 1;
/// The bars: so much more than the bare loop's may p99.9 be off, so long may the work of a tick take, and so much may p99.9 be at 50 Hz.
const OFF: Duration = Duration::from_micros(200);
const WORK: Duration = Duration::from_micros(100);
const SLOW_OFF: Duration = Duration::from_millis(1);

fn monotonic() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(tv_sec.unsigned_abs(), u32::try_from(tv_nsec).unwrap_or(0))
}

/// A runner on its way, ended by its context.
struct Running {
    stop: Stop,
    thread: std::thread::JoinHandle<Result<Report>>,
}

impl Running {
    /// Begins one that commands so often, and waits until it does.
    fn start(bus: &Arc<dyn Bus>, checkpoint: &Path, rate: u32, released: bool) -> Result<Self> {
        let settings = arm::settings(rate)?;
        let act = settings.act.as_ref().context("it is moved")?;
        let layout = Layout::resolve(&settings.robot, &settings.observe, act, None, &Default::default())?;
        let robot = Robot::new(
            None,
            &settings.observe,
            act,
            &settings.control,
            &settings.data.actions,
            layout.clone(),
        )?;
        let load = policy::loader(layout, settings.control.clone(), Device::Cpu);
        let stop = Stop::default();
        let context = Context::new(Arc::clone(bus), stop.clone());
        let options =
            Options { policy: checkpoint.to_owned(), pace: Pace::Wall, released, ..Options::default() };
        let runner = Runner::open(&context, robot, load, options)?;
        let thread = std::thread::spawn(move || Ok(runner.run()?));
        Ok(Self { stop, thread })
    }

    fn end(self) -> Result<Report> {
        self.stop.wish();
        self.thread.join().map_err(|_panic| anyhow::anyhow!("the runner panicked"))?
    }
}

/// What keeping time came to.
#[derive(Debug, Default)]
struct Kept {
    ours: Counted,
    work: Counted,
    thinking: Counted,
    missed: u64,
    chunks: u64,
    granted: Option<Granted>,
    bare: Vec<Duration>,
    bare_missed: u64,
}

/// Keeps the deadlines of that rate for so long and does nothing at them; by how much each period was off, and how many were missed.
fn bare(rate: u32, length: Duration) -> (Vec<Duration>, u64) {
    let period = Duration::from_secs(1) / rate;
    let mut off = Vec::with_capacity((length.as_secs_f64() * f64::from(rate)) as usize + 16);
    Granted::take();
    let begun = monotonic();
    let (mut due, mut last, mut missed) = (begun, None::<Duration>, 0);
    while monotonic() - begun < length {
        due += period;
        let now = monotonic();
        if due + period <= now {
            let late = ((now - due).as_nanos() / period.as_nanos()) as u32;
            missed += u64::from(late);
            due += period * late;
        }
        let request = Timespec { tv_sec: due.as_secs() as i64, tv_nsec: i64::from(due.subsec_nanos()) };
        while clock_nanosleep_absolute(ClockId::Monotonic, &request) == Err(rustix::io::Errno::INTR) {}
        let woken = monotonic();
        off.extend(last.map(|last| (woken - last).abs_diff(period)));
        last = Some(woken);
    }
    (off, missed)
}

impl Kept {
    /// Both take one turn, of this length each.
    fn turn(
        &mut self,
        bus: &Arc<dyn Bus>,
        checkpoint: &Path,
        rate: u32,
        length: Duration,
        first: bool,
    ) -> Result<()> {
        for ours in [first, !first] {
            let commands = if ours { rate } else { SELDOM };
            let runner = Running::start(bus, checkpoint, commands, ours)?;
            if ours {
                patience::due_at(Instant::now() + length);
                let report = runner.end()?;
                self.ours.and(&report.off);
                self.work.and(&report.work);
                self.thinking.and(&report.thinking);
                self.missed += report.missed;
                self.chunks += report.chunks;
                self.granted = report.granted;
            } else {
                let thread = std::thread::spawn(move || bare(rate, length));
                let (off, missed) = thread.join().map_err(|_panic| anyhow::anyhow!("the loop panicked"))?;
                let report = runner.end()?;
                ensure!(report.chunks > 0, "nothing was thought beside the bare loop: {report:?}");
                self.thinking.and(&report.thinking);
                self.bare.extend(off);
                self.bare_missed += missed;
            }
        }
        Ok(())
    }

    /// What came of it over the bus called `bus`.
    fn say(&mut self, rate: u32, bus: &str) {
        self.bare.sort_unstable();
        let micros = |took: Duration| format!("{:8.1}", took.as_secs_f64() * 1e6);
        let shares = [0.5, 0.99, 0.999];
        let ours = self.ours.quantiles(shares).unwrap_or_default();
        let at = |share: f64| {
            self.bare.get(((self.bare.len() - 1) as f64 * share) as usize).copied().unwrap_or_default()
        };
        let bare = shares.map(at);
        let row = |name: &str, times: u64, quantiles: &[Duration; 3], most: Duration, missed: u64| {
            let [p50, p99, p999] = quantiles.map(micros);
            println!("{name:22} {times:>8} {p50} {p99} {p999} {} {missed:>7}", micros(most));
        };
        row(&format!("control at {rate} Hz, {bus}"), self.ours.times(), &ours, self.ours.most(), self.missed);
        let most = self.bare.last().copied().unwrap_or_default();
        row(&format!("bare loop at {rate} Hz"), self.bare.len() as u64, &bare, most, self.bare_missed);
        let work = self.work.quantiles(shares).unwrap_or_default();
        row("  work of a tick", self.work.times(), &work, self.work.most(), 0);
        let thinking = self.thinking.quantiles(shares).unwrap_or_default();
        row("  a thought", self.thinking.times(), &thinking, self.thinking.most(), 0);
        let within = |is: bool| if is { "within" } else { "OVER" };
        let more = ours[2].saturating_sub(bare[2]);
        println!(
            "  p99.9 beyond the bare loop's: {} µs, {} the bar of {OFF:?}",
            micros(more).trim(),
            within(more <= OFF)
        );
        println!("  missed: {} the bare loop's", within(self.missed <= self.bare_missed));
        println!("  work, p99: {} the bar of {WORK:?}", within(work[1] <= WORK));
        if rate == RATES[1].0 {
            println!("  p99.9: {} the bar of {SLOW_OFF:?}", within(ours[2] <= SLOW_OFF));
        }
    }
}

fn reactions(mut all: Vec<(u32, Duration)>) {
    all.sort_unstable();
    let share = |most: u32| all.iter().filter(|(ticks, _)| *ticks <= most).count();
    let mut times: Vec<Duration> = all.iter().map(|(_, took)| *took).collect();
    times.sort_unstable();
    let Some((slowest, most)) = times.last().zip(all.last()) else {
        println!("the button was never pressed while the policy drove: a longer run is needed");
        return;
    };
    println!(
        "from the button to a command of the person, from process to process: {} presses, {} in the next command, {} within two, at \
        most {}; p50 {:.2?}, most {slowest:.2?}",
        all.len(),
        share(1),
        share(2),
        most.0,
        times[times.len() / 2]
    );
}

fn main() -> Result<()> {
    if arm::is_away()? {
        return Ok(());
    }
    let Some(domain) = arm::domain()? else { return Ok(()) };
    let seconds = std::env::args().filter_map(|word| word.parse::<f64>().ok()).next().unwrap_or(12.0);
    let turn = Duration::from_secs_f64(seconds / f64::from(ROUNDS));
    let folder = tempfile::tempdir()?;
    let checkpoint = arm::learned(folder.path())?;
    let away = Away::start(domain)?;
    let buses = arm::buses(domain)?;
    let mut kept: Vec<[Kept; 2]> = buses.iter().map(|_| RATES.map(|_| Kept::default())).collect();
    for round in 0..ROUNDS {
        for (kept, (_, bus)) in kept.iter_mut().zip(&buses) {
            for (kept, (rate, share)) in kept.iter_mut().zip(RATES) {
                // Who goes first takes turns too.
                kept.turn(bus, &checkpoint, rate, turn.mul_f64(share), round % 2 == 0)?;
            }
        }
        eprint!("\rround {} of {ROUNDS}", round + 1);
        std::io::stderr().flush()?;
    }
    eprintln!();
    let granted = kept[0][0].granted.map_or("nothing is known of it", Granted::words);
    println!("control's thread: {granted}");
    println!(
        "{:22} {:>8} {:>8} {:>8} {:>8} {:>8} {:>7}",
        "µs", "times", "p50", "p99", "p99.9", "most", "missed"
    );
    for (kept, (bus, _)) in kept.iter_mut().zip(&buses) {
        kept.iter_mut().zip(RATES).for_each(|(kept, (rate, _))| kept.say(rate, bus));
    }
    reactions(away.end()?);
    Ok(())
}
