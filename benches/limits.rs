//! What a tick of limits costs: seven joints, with and without a workspace, on ways that are followed and against every wall.
//!
//! `cargo bench --no-default-features --bench limits`. The bar: 40 µs at the 99th percentile with a workspace. A way within the limits
//! costs next to nothing; what costs is a wish beyond the edge of the workspace, and the more the more ticks a stop takes, so
//! that is told apart.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use apprentice::config::Settings;
use apprentice::control::limits::{Config, Corners, Each, Going, Limits, Most, Room};
use apprentice::noise::Noise;

const READY: [f64; 7] = [0.0, 0.3, 0.6, 0.6, 0.0, 0.0, 0.02];
const BOX: [[f64; 3]; 2] = [[0.15, -0.35, 0.05], [0.6, 0.35, 0.7]];
const TICKS: usize = 100_000;

fn cost(what: &str, limits: &Limits, rate: f64, wild: bool) {
    let tick = Duration::from_secs_f64(1.0 / rate);
    let mut noise = Noise::new(1);
    let mut going = Going::new(limits);
    assert!(going.begin(&READY));
    let (mut took, mut want, mut changed) = (Vec::with_capacity(TICKS), READY, 0);
    for step in 0..TICKS {
        if wild && noise.chance(2.0 / rate) {
            want = READY.map(|at| at + noise.normal());
        } else if !wild {
            let phase = step as f64 / rate;
            want = READY.map(|at| at * (1.0 + 0.2 * phase.sin().powi(3)));
        }
        let begun = Instant::now();
        let limited = std::hint::black_box(limits.apply(&mut going, std::hint::black_box(&want), tick));
        took.push(begun.elapsed().as_nanos());
        changed += usize::from(limited.changed());
    }
    took.sort_unstable();
    let [median, p99, most] = [TICKS / 2, TICKS / 100 * 99, TICKS - 1].map(|at| took[at] as f64 / 1e3);
    let share = 100.0 * changed as f64 / TICKS as f64;
    println!(
        "{what}, {rate} Hz: median {median:.1} µs, p99 {p99:.1} µs, most {most:.1} µs; {share:.0} % changed"
    );
}

fn main() -> anyhow::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sim_arm.yaml");
    let settings = Settings::load(&[file], &[])?;
    let description = settings.description()?;
    let mut config = settings.control.limits.context("the file says some")?;
    for boxed in [false, true] {
        if boxed {
            let [base, tip] = ["base_link", "tool0"].map(str::to_owned);
            config.workspace = Some(Room { base, tip, corners: Corners(BOX) });
        }
        let limits = Limits::load(&config, description.as_ref(), &settings.robot.joints)?;
        for rate in [100.0, 250.0] {
            for wild in [false, true] {
                let what = ["without a workspace", "with a workspace"][usize::from(boxed)];
                let way = ["a way within the limits", "anywhere at once"][usize::from(wild)];
                cost(&format!("{what}, {way}"), &limits, rate, wild);
            }
        }
        // An arm that takes half a second to stop has many more ticks of a stop to look at.
        let soft = |most| Some(Each::All(Most(most)));
        let soft = Config { acceleration: soft(4.0), jerk: soft(40.0), ..config.clone() };
        let limits = Limits::load(&soft, description.as_ref(), &settings.robot.joints)?;
        let what = ["without a workspace", "with a workspace"][usize::from(boxed)];
        cost(&format!("{what}, soft, anywhere at once"), &limits, 250.0, true);
    }
    Ok(())
}
