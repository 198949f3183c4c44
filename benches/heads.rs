//! A training step and a chunk of the heads beside an eager PyTorch twin of the same networks, in one run.
//!
//! ```text
//! cargo bench --bench heads -- [PYTHON] [THREADS]
//! ```
//!
//! `PYTHON` is one that imports torch; without it the twin is left out, which is said. Ours and the twin's rounds alternate, so that
//! whatever else the machine does falls on both, and the medians' ratio is the figure. A step is loss and gradients; the optimizer has
//! its own benchmark. Observations are encodings that are there already.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use apprentice::nn::{Encoding, Weights, chance};
use apprentice::noise::Noise;
use apprentice::policy::head::{self, Head, Shape, Target};
use tch::{Device, Kind, Tensor};

const CHUNK: i64 = 16;
const ACTION: i64 = 6;
const WIDTH: i64 = 64;
const TOKENS: i64 = 4;
/// Rounds of each piece of work, by turns with the twin.
const ROUNDS: usize = 5;

/// A head and what is done with it.
struct Work {
    name: &'static str,
    settings: &'static str,
    batch: i64,
    repetitions: usize,
    /// What the ratio to the twin is to be at most, where there is a bar.
    bar: Option<f64>,
}

const DIFFUSION: &str = "{diffusion: {}}";
const ACT: &str = "{act: {width: 192, heads: 4, inner: 768, layers: 4, recognizers: 4}}";
const FLOW: &str = "{flow: {network: {transformer: {}}}}";

const WORKS: [Work; 6] = [
    Work { name: "diffusion_step", settings: DIFFUSION, batch: 64, repetitions: 8, bar: Some(0.8) },
    Work { name: "diffusion_chunk", settings: DIFFUSION, batch: 1, repetitions: 12, bar: Some(0.35) },
    Work { name: "act_step", settings: ACT, batch: 8, repetitions: 12, bar: None },
    Work { name: "act_chunk", settings: ACT, batch: 1, repetitions: 100, bar: Some(0.8) },
    Work { name: "flow_step", settings: FLOW, batch: 64, repetitions: 8, bar: None },
    Work { name: "flow_chunk", settings: FLOW, batch: 1, repetitions: 20, bar: None },
];

struct Ours {
    weights: Vec<Tensor>,
    head: Box<dyn Head>,
    seen: Encoding,
    actions: Tensor,
    real: Tensor,
    noise: Noise,
}

impl Ours {
    fn new(work: &Work) -> Result<Self> {
        let weights = Weights::new(Device::Cpu, Kind::Float, Noise::new(1));
        let shape =
            Shape { chunk: CHUNK, action: ACTION, width: WIDTH, tokens: TOKENS, quantiles: Vec::new() };
        let config: head::Config = serde_saphyr::from_str(work.settings)?;
        let head = config.build(&shape, &weights.root());
        let (mut noise, like) = (Noise::new(2), Tensor::zeros([1], (Kind::Float, Device::Cpu)));
        let seen = Encoding {
            tokens: chance::normal(&mut noise, &[work.batch, TOKENS, WIDTH], &like),
            pooled: chance::normal(&mut noise, &[work.batch, WIDTH], &like),
        };
        let actions = chance::normal(&mut noise, &[work.batch, CHUNK, ACTION], &like).clamp(-1.0, 1.0);
        let real = Tensor::ones([work.batch, CHUNK], (Kind::Float, Device::Cpu));
        let weights = weights.named().into_iter().map(|(_, weight)| weight).collect();
        Ok(Self { weights, head, seen, actions, real, noise })
    }

    fn count(&self) -> usize {
        self.weights.iter().map(Tensor::numel).sum()
    }

    fn once(&mut self, step: bool) {
        if step {
            let target = Target { actions: &self.actions, real: &self.real, promised: None };
            let loss = self.head.loss(&self.seen, &target, &mut self.noise).each.mean(Kind::Float);
            let weights: Vec<&Tensor> = self.weights.iter().collect();
            let _slopes = std::hint::black_box(Tensor::run_backward(&[loss], &weights, false, false));
        } else {
            let _chunk = std::hint::black_box(self.head.sample(&self.seen, None, &mut self.noise));
        }
    }

    fn times(&mut self, work: &Work) -> Vec<f64> {
        let step = work.name.ends_with("step");
        (0..work.repetitions)
            .map(|_| {
                let start = Instant::now();
                self.once(step);
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect()
    }
}

/// The twin's process; it ends with its input.
struct Twin {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Twin {
    fn start(python: &str, threads: i32) -> Result<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/twin.py");
        let mut child = Command::new(python)
            .args([script, &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{python:?} does not start"))?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("its output is a pipe")?);
        let mut twin = Self { child, input, output };
        println!("the twin: {}", twin.line()?.trim());
        Ok(twin)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "the twin ended");
        Ok(line)
    }

    fn times(&mut self, work: &Work) -> Result<Vec<f64>> {
        let input = self.input.as_mut().context("its input is a pipe")?;
        writeln!(input, "{} {}", work.name, work.repetitions)?;
        Ok(self.line()?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        self.input = None;
        if let Err(error) = self.child.wait() {
            eprintln!("the twin: {error}");
        }
    }
}

fn middle(mut times: Vec<f64>, share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * share) as usize]
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let threads: i32 = arguments.get(1).map_or(Ok(2), |text| text.parse())?;
    tch::set_num_threads(threads);
    let mut twin = arguments.first().map(|python| Twin::start(python, threads)).transpose()?;
    if twin.is_none() {
        println!("the twin: skipped, no Python with torch was named");
    }
    println!("{threads} threads; ms: p50 (p99); ratio of the p50");
    for work in &WORKS {
        let mut ours = Ours::new(work)?;
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let times = (ours.times(work), twin.as_mut().map(|twin| twin.times(work)).transpose()?);
            // The first round warms up.
            if round > 0 {
                mine.extend(times.0);
                theirs.extend(times.1.into_iter().flatten());
            }
        }
        let figures = |times: &[f64]| [0.5, 0.99].map(|share| middle(times.to_vec(), share));
        let [p50, p99] = figures(&mine);
        print!("{:16} {:>9} weights  ours {p50:8.3} ({p99:8.3})", work.name, ours.count());
        if !theirs.is_empty() {
            let [twin50, twin99] = figures(&theirs);
            print!("  twin {twin50:8.3} ({twin99:8.3})  {:.2}", p50 / twin50);
            if let Some(bar) = work.bar {
                print!(" of {bar} at most");
            }
        }
        println!();
    }
    Ok(())
}
