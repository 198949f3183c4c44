//! `apprentice dart fit`: from a policy's errors to the noise that demonstrations should have.
//!
//! It reads recordings and not a policy, so that any policy can be asked, also one of another program: whatever said on a topic what it
//! would have done while somebody else drove.

use std::path::PathBuf;

use anyhow::Context as _;
use apprentice::arm::Dart;
use apprentice::config;
use apprentice::data::errors::{self, Errors};
use apprentice::spec::Name;

use super::bag::Bags;
use super::options::{WrongUse, put};
use super::table::Table;

/// Noise for demonstrations (DART)
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Noise {
    Fit(Fit),
}

/// The noise that makes demonstrations visit what a policy will visit: the covariance of its errors
#[derive(clap::Args, Debug)]
#[command(after_help = "\
The recordings are demonstrations that the policy was not trained on. With --learned the policy is asked here what it would have
done; otherwise its commands are in the recordings beside the teacher's: run it without letting it drive, and record its topic too.

Examples:
  apprentice dart fit held_out --learned runs/pick --out dart.yaml
  apprentice dart fit held_out --out dart.yaml
  apprentice dart fit held_out --out dart.yaml --final-error 0.02
      scaled, so that the variances of an episode sum to 0.02 rad²: less, until the teacher still succeeds
  apprentice sim --world pick --expert --dart dart.yaml --episodes 50 --out demos")]
pub(crate) struct Fit {
    #[command(flatten)]
    bags: Bags,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// The topic of the teacher's commands
    #[arg(long, value_name = "/NAME", default_value = "/expert/command", value_parser = Name::parse)]
    teacher: Name,
    /// The policy to be asked: a run's folder, or a checkpoint
    #[cfg(feature = "learn")]
    #[arg(long, value_name = "RUN", conflicts_with_all = ["teacher", "policy"])]
    learned: Option<PathBuf>,
    /// The topic of the policy's commands
    #[arg(long, value_name = "/NAME", default_value = "/policy/command", value_parser = Name::parse)]
    policy: Name,
    /// The error expected of the final policy, summed over an episode [default: as on these recordings]
    #[arg(long, value_name = "RAD²", value_parser = number)]
    final_error: Option<f64>,
}

impl Noise {
    /// Does what was asked for.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Fit(fit) => fit.run(),
        }
    }
}

impl Fit {
    fn run(self) -> anyhow::Result<()> {
        let errors = self.errors()?;
        let steps = errors.rows.len() / errors.episodes;
        let mut dart = Dart::fit(errors.joints, &errors.rows)?;
        if let Some(final_error) = self.final_error {
            dart = dart.scaled(final_error, steps)?;
        }
        let text = config::to_yaml(&dart);
        std::fs::write(&self.out, text).with_context(|| format!("{:?} cannot be written", self.out))?;
        let mut table = Table::new(&["joint", ">standard deviation"]);
        for (joint, name) in dart.joints.iter().enumerate() {
            table.row(vec![name.clone(), format!("{:.4}", dart.covariance[joint][joint].sqrt())]);
        }
        put(&format!(
            "{table}\n{} ticks of {} recordings, {} commands without a partner; {}",
            errors.rows.len(),
            errors.episodes,
            errors.alone,
            self.out.display()
        ))?;
        Ok(())
    }
}

impl Fit {
    fn errors(&self) -> anyhow::Result<Errors> {
        let recordings = self.bags.found()?;
        #[cfg(feature = "learn")]
        if let Some(run) = &self.learned {
            return asked(run, &recordings);
        }
        Ok(errors::collect(&recordings, &self.teacher.to_string(), &self.policy.to_string())?)
    }
}

/// The errors of the policy in `run`, which is asked what it would have done.
#[cfg(feature = "learn")]
fn asked(run: &std::path::Path, recordings: &[PathBuf]) -> anyhow::Result<Errors> {
    use apprentice::config::Settings;
    use apprentice::nn::device::Device;
    use apprentice::policy::checkpoint;
    use apprentice::train;

    let checkpoint = checkpoint::open(run, Device::Cpu)?;
    let settings =
        Settings::parse(&checkpoint.settings, &checkpoint.path.join("config.yaml").display().to_string())?;
    let data = super::train::dataset(&settings, recordings, None)?;
    let episodes = super::calibrate::unseen(&checkpoint, &data)?;
    let mut progress = super::progress::Progress::begin("asking", episodes.len() as u64, "episodes");
    Ok(train::errors::errors(&checkpoint.policy, &settings.control, &data, &episodes, || progress.step())?)
}

/// A number above nothing.
fn number(text: &str) -> anyhow::Result<f64> {
    let number: f64 = text.parse()?;
    let wrong = || WrongUse(format!("{text} is no error: it is a finite number above 0"));
    Ok(Some(number).filter(|number| number.is_finite() && *number > 0.0).ok_or_else(wrong)?)
}
