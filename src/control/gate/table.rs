//! The transition table: who drives next, as data.
//!
//! Whoever wants to know when a robot starts to move reads these rows and nothing else. The first row that fits decides; where none
//! does, everything stays as it is. What a row may ask for is a [`Fact`], so that the rows can be printed, and tried out against
//! every combination of facts there is.

use std::fmt::Write as _;

use super::mode::{Mode, Reason};
use super::signs::{Expert, Level, Plan};

/// What is true at one tick, of the signs, of what came before, and of the settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// What is wrong.
    pub fault: Option<Reason>,
    /// The operator wants the robot held.
    pub stop: bool,
    /// The policy may go on, and no person's hand is on anything.
    pub resume: bool,
    /// It may although it doubts, because the operator said so.
    pub overrules: bool,
    /// A person asks to drive by an act of his own.
    pub takes: bool,
    /// Nobody asks to drive, and no expert was asked to.
    pub let_go: bool,
    /// Another device speaks in the place of the one that he drove by.
    pub another: bool,
    /// The one who drives was asked by doubt, and did nothing himself to drive.
    pub asked: bool,
    /// How it stands with the person's command.
    pub expert: Expert,
    /// How it stands with the policy's plan.
    pub plan: Plan,
    /// How it stands with its doubt.
    pub level: Level,
    /// The mode lasts long enough to be left without need.
    pub dwelt: bool,
    /// The hold is short enough to count as a gap.
    pub short: bool,
    /// Setting: letting go gives back.
    pub gives_back: bool,
    /// Setting: doubt asks the expert.
    pub asks_expert: bool,
    /// Setting: the policy takes back from an expert who was asked.
    pub returns: bool,
}

/// The modes that a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modes {
    /// The policy drives.
    Policy,
    /// A person drives.
    Human,
    /// The robot is held, for any reason.
    Hold,
    /// It is held until a person who takes over is ready.
    Taking,
    /// It is held until there is a plan.
    Waiting,
    /// It is held because a stream fell silent.
    Stale,
    /// It is held because of doubt.
    Doubt,
}

/// What a row may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Something is wrong with which nobody can drive.
    RobotFault,
    /// Something is wrong.
    Fault,
    /// Nothing is.
    NoFault,
    /// The operator wants the robot held.
    Stop,
    /// The policy may go on.
    Resume,
    /// A person asks to drive.
    Takes,
    /// Nobody does.
    HandsOff,
    /// Another device speaks in the place of his.
    Another,
    /// The person lets go.
    LetsGo,
    /// Letting go does not give back.
    Keeps,
    /// The person's command is fresh and near the robot.
    Ready,
    /// It is too far from the robot.
    Disagrees,
    /// There is none.
    Silent,
    /// The policy has an action due.
    Due,
    /// It has none.
    Lacks,
    /// Its doubt is over the threshold, or is no number.
    Doubtful,
    /// Its doubt has been low for long enough.
    Calm,
    /// Doubt asks the expert.
    AsksExpert,
    /// The expert drives because he was asked, and the policy may take back.
    AskedReturns,
    /// The mode lasts long enough.
    Dwelt,
    /// The gap was short.
    ShortGap,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The policy drives.
    Policy,
    /// The person drives.
    Human,
    /// The expert drives because the policy's doubt asked him to.
    Asked,
    /// The robot is held for what is wrong, or stays held for something graver.
    Fault,
    /// The robot is held for what the plan lacks.
    Lack,
    /// The robot is held.
    Hold(Reason),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// For which modes.
    pub from: &'static [Modes],
    /// What must all be true.
    pub when: &'static [Fact],
    /// What becomes of it.
    pub to: To,
}

const fn row(from: &'static [Modes], when: &'static [Fact], to: To) -> Row {
    Row { from, when, to }
}

const ANY: &[Modes] = &[Modes::Policy, Modes::Human, Modes::Hold];
const LEAVING: &[Modes] = &[Modes::Human, Modes::Taking];

/// The table. The first row that fits decides.
pub const ROWS: [Row; 28] = {
    use Fact::{
        Another, AskedReturns, AsksExpert, Calm, Disagrees, Doubtful, Due, Dwelt, Fault, HandsOff, Keeps,
        Lacks, LetsGo, NoFault, Ready, Resume, RobotFault, ShortGap, Silent, Stop, Takes,
    };
    use Modes::{Doubt, Hold, Human, Policy, Stale, Waiting};
    [
        // Nobody can drive, or nobody shall.
        row(ANY, &[RobotFault], To::Fault),
        row(ANY, &[Stop], To::Hold(Reason::Stopped)),
        // A person who drives, or was about to: letting go gives back, silence and another's hand stop.
        row(LEAVING, &[Another], To::Hold(Reason::ExpertGone)),
        row(LEAVING, &[LetsGo, Keeps], To::Hold(Reason::Returned)),
        row(LEAVING, &[LetsGo, Fault], To::Fault),
        row(LEAVING, &[LetsGo, Lacks], To::Lack),
        row(LEAVING, &[LetsGo, Doubtful], To::Hold(Reason::Doubt)),
        row(LEAVING, &[LetsGo], To::Policy),
        row(&[Human], &[Silent], To::Hold(Reason::ExpertGone)),
        row(&[Human], &[AskedReturns, Calm, Dwelt, NoFault, Due], To::Policy),
        // A person takes over, whatever the policy thinks of itself.
        row(&[Policy, Hold], &[Takes, Ready], To::Human),
        row(&[Policy, Waiting], &[Takes, Disagrees], To::Hold(Reason::Disagrees)),
        row(&[Policy, Waiting], &[Takes, Silent], To::Hold(Reason::Awaited)),
        // The policy cannot go on.
        row(&[Policy, Hold], &[Fault], To::Fault),
        row(&[Policy], &[Lacks], To::Lack),
        row(&[Policy, Doubt], &[Doubtful, AsksExpert, Ready], To::Asked),
        row(&[Policy], &[Doubtful], To::Hold(Reason::Doubt)),
        // Somebody lets it go on.
        row(&[Hold], &[Resume, Lacks], To::Lack),
        row(&[Hold], &[Resume, Doubtful], To::Hold(Reason::Doubt)),
        row(&[Hold], &[Resume], To::Policy),
        // It goes on by itself.
        row(&[Waiting], &[Lacks], To::Lack),
        row(&[Waiting], &[Dwelt, Doubtful], To::Hold(Reason::Doubt)),
        row(&[Waiting], &[Dwelt], To::Policy),
        row(&[Stale], &[ShortGap, Dwelt, Lacks], To::Lack),
        row(&[Stale], &[ShortGap, Dwelt, Doubtful], To::Hold(Reason::Doubt)),
        row(&[Stale], &[HandsOff, ShortGap, Dwelt], To::Policy),
        row(&[Doubt], &[Calm, Dwelt, Lacks], To::Lack),
        row(&[Doubt], &[HandsOff, Calm, Dwelt], To::Policy),
    ]
};

/// The number of the row that decides; `None` where everything stays as it is.
pub fn find(mode: Mode, seen: &Seen) -> Option<usize> {
    let fits = |row: &Row| {
        row.from.iter().any(|from| from.has(mode)) && row.when.iter().all(|fact| fact.holds(seen))
    };
    ROWS.iter().position(fits)
}

impl Modes {
    /// Whether `mode` is one of these.
    pub fn has(self, mode: Mode) -> bool {
        match (self, mode) {
            (Self::Policy, Mode::Policy) | (Self::Human, Mode::Human) | (Self::Hold, Mode::Hold(_)) => true,
            (Self::Taking, Mode::Hold(reason)) => matches!(reason, Reason::Awaited | Reason::Disagrees),
            (Self::Waiting, Mode::Hold(reason)) => reason.gravity() == 0,
            (Self::Stale, Mode::Hold(reason)) => matches!(reason, Reason::Stale(_)),
            (Self::Doubt, Mode::Hold(reason)) => reason == Reason::Doubt,
            _ => false,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Human => "human",
            Self::Hold => "hold",
            Self::Taking => "hold (awaited, disagrees)",
            Self::Waiting => "hold (no plan now)",
            Self::Stale => "hold (stale)",
            Self::Doubt => "hold (doubt)",
        }
    }
}

impl Fact {
    /// Whether it is true.
    pub fn holds(self, seen: &Seen) -> bool {
        match self {
            Self::RobotFault => seen.fault.is_some_and(Reason::binds_all),
            Self::Fault => seen.fault.is_some(),
            Self::NoFault => seen.fault.is_none(),
            Self::Stop => seen.stop,
            Self::Resume => seen.resume,
            Self::Takes => seen.takes,
            Self::HandsOff => !seen.takes,
            Self::Another => seen.another,
            Self::LetsGo => seen.let_go,
            Self::Keeps => !seen.gives_back && !seen.resume,
            Self::Ready => seen.expert == Expert::Ready,
            Self::Disagrees => seen.expert == Expert::Disagrees,
            Self::Silent => seen.expert == Expert::Silent,
            Self::Due => seen.plan == Plan::Due,
            Self::Lacks => seen.plan != Plan::Due,
            Self::Doubtful => match seen.level {
                Level::Unknown => true,
                Level::Over => !seen.overrules,
                Level::Calm | Level::Unsure => false,
            },
            Self::Calm => seen.level == Level::Calm,
            Self::AsksExpert => seen.asks_expert,
            Self::AskedReturns => seen.asked && seen.returns,
            Self::Dwelt => seen.dwelt,
            Self::ShortGap => seen.short,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::RobotFault => "a fault with which nobody can drive",
            Self::Fault => "a fault",
            Self::NoFault => "no fault",
            Self::Stop => "the operator stops it",
            Self::Resume => "somebody lets it go on",
            Self::Takes => "a person takes over",
            Self::HandsOff => "nobody takes over",
            Self::Another => "another device speaks in the place of his",
            Self::LetsGo => "the person lets go",
            Self::Keeps => "`give_back: false` and nobody lets it go on",
            Self::Ready => "the person's command is fresh and agrees",
            Self::Disagrees => "the person's command is too far from the robot",
            Self::Silent => "the person's device is silent",
            Self::Due => "a plan is there",
            Self::Lacks => "no plan is there",
            Self::Doubtful => "doubt asks for a person",
            Self::Calm => "doubt has passed",
            Self::AsksExpert => "`doubt.ask: expert`",
            Self::AskedReturns => "he was asked by doubt, `doubt.returns`",
            Self::Dwelt => "`dwell_ms` is over",
            Self::ShortGap => "within `resume.gap_ms`",
        }
    }
}

impl To {
    /// The mode it comes to from `mode`.
    pub fn mode(self, mode: Mode, seen: &Seen) -> Mode {
        match self {
            Self::Policy => Mode::Policy,
            Self::Human | Self::Asked => Mode::Human,
            Self::Hold(reason) => Mode::Hold(reason),
            Self::Lack => Mode::Hold(seen.plan.lack()),
            Self::Fault => {
                let fault = seen.fault.unwrap_or(Reason::Stopped);
                // What would end by itself does not hide what may need somebody's word.
                let passes = mode == Mode::Hold(Reason::Doubt) || (seen.let_go && Modes::Taking.has(mode));
                match mode {
                    Mode::Hold(reason) if !passes && reason.gravity() >= fault.gravity() => mode,
                    _ => Mode::Hold(fault),
                }
            }
        }
    }

    fn words(self) -> String {
        match self {
            Self::Policy => "policy".to_owned(),
            Self::Human => "human".to_owned(),
            Self::Asked => "human, asked".to_owned(),
            Self::Fault => "hold (the fault, or what is graver)".to_owned(),
            Self::Lack => "hold (what the plan lacks)".to_owned(),
            Self::Hold(reason) => format!("hold ({})", reason.name()),
        }
    }
}

/// The table as people read it, in Markdown.
pub fn text() -> String {
    let mut text = "| row | from | when | to |\n|---|---|---|---|\n".to_owned();
    for (number, row) in ROWS.iter().enumerate() {
        let from = row.from.iter().map(|from| from.words()).collect::<Vec<_>>().join(", ");
        let when = row.when.iter().map(|fact| fact.words()).collect::<Vec<_>>().join("; ");
        // Writing to a string cannot fail.
        writeln!(text, "| {number} | {from} | {when} | {} |", row.to.words()).unwrap_or_default();
    }
    text
}
