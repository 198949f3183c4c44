//! Our own interfaces: who drives, what left for the robot, what a policy plans, how a recording goes.
//!
//! The same types are in `msg/` and `srv/` for a ROS 2 build; a test holds these structs and those files to each other.

use super::std::Header;

message! {
    /// What really left for the robot's joints, by whom, limited or not.
    pub struct Command: "apprentice/msg/Command" {
        /// The tick it answers.
        pub header: Header,
        /// The joints.
        pub names: Vec<String>,
        /// A value for each.
        pub values: Vec<f64>,
        /// Who drove: one of [`Intervention`]'s constants.
        pub driver: u8,
        /// Whether the limits changed it.
        pub limited: bool,
    }
}

message! {
    /// Who drives, and why.
    pub struct Intervention: "apprentice/msg/Intervention" {
        /// When.
        pub header: Header,
        /// Who drives: `POLICY`, `HUMAN` or `HOLD`.
        pub driver: u8,
        /// Why: one of the other constants.
        pub cause: u8,
        /// Why, in words for the operator.
        pub reason: String,
        /// How doubtful the policy is.
        pub doubt: f32,
        /// The doubt from which a person is asked for.
        pub threshold: f32,
    }
    consts {
        /// The policy drives.
        const POLICY: u8 = 0;
        /// A person drives.
        const HUMAN: u8 = 1;
        /// Nobody drives: the robot brakes and stays.
        const HOLD: u8 = 2;
        /// Nothing made anybody step in.
        const CAUSE_NONE: u8 = 0;
        /// A person pressed the button or moved the leader.
        const CAUSE_PERSON: u8 = 1;
        /// The policy's doubt went over its threshold.
        const CAUSE_DOUBT: u8 = 2;
        /// A limit of the robot was met.
        const CAUSE_LIMIT: u8 = 3;
        /// A sensor fell silent.
        const CAUSE_STALE: u8 = 4;
        /// The plan ran out, or there is no policy.
        const CAUSE_NO_PLAN: u8 = 5;
        /// No number, a jump, a dead thread, a lost link.
        const CAUSE_FAULT: u8 = 6;
        /// The clock stopped or jumped.
        const CAUSE_CLOCK: u8 = 7;
        /// Somebody has to let it go on.
        const CAUSE_OPERATOR: u8 = 8;
        /// The person's device fell silent or disagrees with the robot.
        const CAUSE_EXPERT: u8 = 9;
    }
}

message! {
    /// What a policy plans, for whoever drives by it.
    pub struct Plan: "apprentice/msg/Plan" {
        /// When what it saw was so.
        pub header: Header,
        /// The joints.
        pub names: Vec<String>,
        /// When to be at each place, evenly spaced, in seconds after the stamp.
        pub due: Vec<f64>,
        /// The places one after the other, each a value for every joint.
        pub values: Vec<f64>,
        /// How doubtful the policy is of it, no number where it does not say.
        pub doubt: f32,
        /// The doubt from which a person is asked for, no number where there is none.
        pub threshold: f32,
        /// [`WELL`](Self::WELL), [`SLOW`](Self::SLOW), [`BROKEN`](Self::BROKEN) or [`BLIND`](Self::BLIND).
        pub state: u8,
    }
    consts {
        /// It thinks in time.
        const WELL: u8 = 0;
        /// It thinks for longer than a plan lasts: the robot stands meanwhile.
        const SLOW: u8 = 1;
        /// What it wants is no number: there is nothing to follow.
        const BROKEN: u8 = 2;
        /// It does not see all it has to: there is nothing to follow.
        const BLIND: u8 = 3;
    }
}

message! {
    /// How an attempt in a simulated world stands.
    pub struct Judgement: "apprentice/msg/Judgement" {
        /// When, by the world's own time.
        pub header: Header,
        /// The world.
        pub world: String,
        /// The seed of the attempt.
        pub seed: u64,
        /// How long it has been going on.
        pub seconds: f64,
        /// Whether the task is done.
        pub success: bool,
        /// How well, from 0 to 1.
        pub score: f64,
        /// Whether the attempt is over, by success, by time, or because nothing would change how it ends.
        pub over: bool,
    }
}

message! {
    /// How one recorded topic goes.
    pub struct Stream: "apprentice/msg/Stream" {
        /// The topic.
        pub topic: String,
        /// Its type.
        pub r#type: String,
        /// Messages a second.
        pub rate_hz: f32,
        /// Messages a second it ought to have; zero where nothing is promised.
        pub expected_hz: f32,
        /// Time since the last message.
        pub age_ms: f32,
        /// Messages received.
        pub received: u64,
        /// Messages lost between the wire and the disk.
        pub lost: u64,
        /// What is wrong with it, in words; empty where nothing is.
        pub alarm: String,
    }
}

message! {
    /// How the recorder is, and what it records.
    pub struct Recording: "apprentice/msg/Recording" {
        /// When.
        pub header: Header,
        /// How it is: one of the constants.
        pub state: u8,
        /// Where the episode is written.
        pub path: String,
        /// Which episode.
        pub episode: u32,
        /// How long it is so far.
        pub seconds: f64,
        /// How large it is so far.
        pub bytes: u64,
        /// Its topics.
        pub streams: Vec<Stream>,
    }
    consts {
        /// Ready for an episode.
        const IDLE: u8 = 0;
        /// In an episode.
        const RECORDING: u8 = 1;
        /// Ending an episode.
        const SAVING: u8 = 2;
        /// The last episode ended with an error.
        const FAILED: u8 = 3;
    }
}

service! {
    /// Loads a checkpoint in place of the one in use.
    pub struct Load: "apprentice/srv/Load";
    /// Which.
    pub struct LoadRequest {
        /// The folder of the checkpoint or of a run.
        pub path: String,
    }
    /// Whether it is in use now.
    pub struct LoadResponse {
        /// Whether it is in use now.
        pub success: bool,
        /// What came of it, in words.
        pub message: String,
    }
}

service! {
    /// Sets a simulated world back to its beginning.
    pub struct Reset: "apprentice/srv/Reset";
    /// To which beginning.
    pub struct ResetRequest {
        /// The seed it is drawn with.
        pub seed: u64,
    }
    /// Whether it was set back.
    pub struct ResetResponse {
        /// Whether it was set back.
        pub success: bool,
        /// What came of it, in words.
        pub message: String,
    }
}

service! {
    /// Disturbs a simulated world.
    pub struct Disturb: "apprentice/srv/Disturb";
    /// How.
    pub struct DisturbRequest {
        /// What kind of disturbance.
        pub kind: String,
        /// How large.
        pub size: f64,
    }
    /// Whether it was disturbed.
    pub struct DisturbResponse {
        /// Whether it was disturbed.
        pub success: bool,
        /// What came of it, in words.
        pub message: String,
    }
}
