//! What a viewer draws in space: where the tip of the arm will go by the plan, and who drives.
//!
//! A plan is numbers of joints, of which nobody sees in time that they lead into the table. It is drawn where somebody looks, on the
//! threads that say plans and drivers anyway; control has no part in it.

use std::time::Duration;

use super::robot::Robot;
use crate::arm::{Chain, MOST};
use crate::bus::typed::Publisher;
use crate::bus::{self, Bus};
use crate::control::Mode;
use crate::msg;
use crate::msg::geometry::{Point, Pose, Vector3};
use crate::msg::own::{Command, Plan};
use crate::msg::std::Color;
use crate::msg::visualization::{Marker, MarkerArray};
use crate::node::diagnostics::header;
use crate::node::report;
use crate::time::Stamp;
use crate::wire::Qos;

/// The topic of where the tip will go.
const PLANNED: &str = "plan_markers";
/// The topic of who drives, in words over the tip.
const DRIVING: &str = "intervention_markers";
/// No more places of a plan are drawn.
const PLACES: usize = 64;
/// How wide the line is, m.
const WIDTH: f64 = 0.004;
/// How high the words are, and how far over the tip, m.
const LETTERS: f64 = 0.03;
const OVER: f64 = 0.1;
/// Who is gone draws nothing for long.
const STAYS: Duration = Duration::from_secs(1);
const SOON: Color = Color { r: 0.1, g: 0.55, b: 0.55, a: 1.0 };
const LATE: Color = Color { r: 0.95, g: 0.47, b: 0.13, a: 1.0 };
const DOUBTFUL: Color = Color { r: 0.85, g: 0.1, b: 0.1, a: 1.0 };
const WORDS: Color = Color { r: 0.95, g: 0.95, b: 0.95, a: 1.0 };

/// The tip of a robot, where its joints say.
#[derive(Clone, Debug)]
pub(super) struct Tip {
    chain: Chain,
    /// Which of the robot's joints each coordinate of the chain is.
    joints: Vec<usize>,
}

impl Tip {
    /// The end of `chain`, where all that moves it is among `joints`, whose names may have `prefix` in front.
    pub(super) fn of(chain: Chain, prefix: &str, joints: &[String]) -> Option<Self> {
        let moved = chain.coordinates().iter();
        let moved = moved
            .map(|moved| joints.iter().position(|joint| joint.strip_prefix(prefix) == Some(&moved.name)));
        Some(Self { joints: moved.collect::<Option<_>>()?, chain })
    }

    fn at(&self, joints: &[f64]) -> Option<Point> {
        let mut coordinates = [0.0; MOST];
        for (coordinate, joint) in coordinates.iter_mut().zip(&self.joints) {
            *coordinate = *joints.get(*joint)?;
        }
        let at = self.chain.pose(&coordinates[..self.joints.len()]).translation.vector;
        Some(Point { x: at.x, y: at.y, z: at.z })
    }

    fn marker(&self, name: &str, r#type: i32, at: Stamp) -> Marker {
        let mut header = header(at);
        self.chain.base().clone_into(&mut header.frame_id);
        let lifetime = msg::std::Duration { sec: STAYS.as_secs() as i32, nanosec: 0 };
        Marker { header, ns: name.to_owned(), r#type, lifetime, ..Marker::default() }
    }

    /// The way of the tip along a plan; its end is of another colour than its beginning, and all of it where the policy doubts it.
    fn planned(&self, plan: &Plan, now: Stamp) -> Marker {
        let mut marker = self.marker("plan", Marker::LINE_STRIP, now);
        let count = plan.due.len();
        let rows = plan.values.chunks_exact(plan.names.len().max(1));
        let points = rows.step_by(count.div_ceil(PLACES).max(1)).filter_map(|row| self.at(row));
        marker.points = points.collect();
        let last = marker.points.len().saturating_sub(1).max(1) as f32;
        let doubtful = plan.doubt >= plan.threshold;
        let color = |place: usize| if doubtful { DOUBTFUL } else { between(place as f32 / last) };
        marker.colors = (0..marker.points.len()).map(color).collect();
        marker.scale = Vector3 { x: WIDTH, ..Vector3::default() };
        // A line has two ends; anything less takes away what was drawn.
        marker.action = if marker.points.len() > 1 { Marker::ADD } else { Marker::DELETE };
        marker
    }

    /// Who drives, and why, over the tip; over the base where it is not known where that is.
    fn driven(&self, command: &Command, mode: Mode, reason: &str, now: Stamp) -> Marker {
        let at = self.at(&command.values).unwrap_or_default();
        let who = match mode {
            Mode::Policy => "policy",
            Mode::Human => "person",
            Mode::Hold(_) => "held",
        };
        let text = if reason.is_empty() { who.to_owned() } else { format!("{who}: {reason}") };
        let position = Point { z: at.z + OVER, ..at };
        Marker {
            text,
            pose: Pose { position, ..Pose::default() },
            scale: Vector3 { z: LETTERS, ..Vector3::default() },
            color: WORDS,
            ..self.marker("driver", Marker::TEXT_VIEW_FACING, now)
        }
    }
}

fn between(share: f32) -> Color {
    let mixed = |soon: f32, late: f32| soon + (late - soon) * share;
    Color { r: mixed(SOON.r, LATE.r), g: mixed(SOON.g, LATE.g), b: mixed(SOON.b, LATE.b), a: 1.0 }
}

/// Draws one of the two, where it is known what the tip of the robot is and somebody looks.
pub(super) struct Drawing {
    tip: Tip,
    markers: Publisher<MarkerArray>,
}

impl Drawing {
    /// Who draws plans.
    pub(super) fn of_plans(bus: &dyn Bus, robot: &Robot) -> Result<Option<Self>, bus::Error> {
        Self::open(bus, robot, PLANNED)
    }

    /// Who draws who drives.
    pub(super) fn of_drivers(bus: &dyn Bus, robot: &Robot) -> Result<Option<Self>, bus::Error> {
        Self::open(bus, robot, DRIVING)
    }

    fn open(bus: &dyn Bus, robot: &Robot, topic: &str) -> Result<Option<Self>, bus::Error> {
        let open = |tip: &Tip| {
            Ok(Self { tip: tip.clone(), markers: Publisher::open(bus, topic, Qos::reliable(1))? })
        };
        robot.tip.as_ref().map(open).transpose()
    }

    /// Draws a plan.
    pub(super) fn plan(&mut self, plan: &Plan, now: Stamp) {
        self.draw(|tip| tip.planned(plan, now));
    }

    /// Draws who drives.
    pub(super) fn driver(&mut self, command: &Command, mode: Mode, reason: &str, now: Stamp) {
        self.draw(|tip| tip.driven(command, mode, reason, now));
    }

    /// A picture that does not arrive is replaced by the next, and nothing depends on it.
    fn draw(&mut self, marker: impl FnOnce(&Tip) -> Marker) {
        if self.markers.matched() == 0 {
            return;
        }
        let markers = vec![marker(&self.tip)];
        if let Err(error) = self.markers.send(&MarkerArray { markers }) {
            tracing::debug!("a marker was not sent: {}", report(&error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::Description;
    use crate::control::Reason;

    const JOINTS: [&str; 7] =
        ["gripper", "shoulder_pan", "shoulder_lift", "elbow", "wrist_pitch", "wrist_yaw", "wrist_roll"];

    fn tip() -> Tip {
        let arm = Description::parse(include_str!("../../../urdf/sim_arm.urdf"), "sim_arm.urdf")
            .expect("it is ours");
        let chain = Chain::between(&arm, "base_link", "tool0").expect("it has both");
        Tip::of(chain, "", &JOINTS.map(str::to_owned)).expect("its joints are among them")
    }

    fn plan(rows: usize) -> Plan {
        let row = |number: usize| [0.0, 0.01 * number as f64, 0.0, 0.0, 0.0, 0.0, 0.0];
        Plan {
            names: JOINTS.map(str::to_owned).to_vec(),
            due: (0..rows).map(|number| 0.01 * number as f64).collect(),
            values: (0..rows).flat_map(row).collect(),
            doubt: f32::NAN,
            threshold: f32::NAN,
            ..Plan::default()
        }
    }

    #[test]
    fn the_line_goes_where_the_tip_will_whatever_order_joints_have() {
        let marker = tip().planned(&plan(30), Stamp::from_parts(7, 0));
        assert_eq!((marker.header.frame_id.as_str(), marker.action), ("base_link", Marker::ADD));
        assert_eq!((marker.points.len(), marker.colors.len()), (30, 30));
        // Only the pan moves: the tip goes round the upright axis.
        let radius = |point: &Point| point.x.hypot(point.y);
        let angle = |point: &Point| point.y.atan2(point.x);
        let (first, last) = (&marker.points[0], &marker.points[29]);
        assert!(radius(first) > 0.1 && (radius(first) - radius(last)).abs() < 1e-9);
        assert!((angle(last) - angle(first) - 0.29).abs() < 1e-9, "{first:?} {last:?}");
        assert!(marker.colors[0] == SOON && marker.colors[29] != SOON);
    }

    #[test]
    fn a_long_plan_is_drawn_by_some_of_its_places_and_none_takes_the_line_away() {
        let of = |rows| tip().planned(&plan(rows), Stamp::default());
        assert!((PLACES / 2..=PLACES).contains(&of(1000).points.len()));
        assert_eq!(of(0).action, Marker::DELETE);
    }

    #[test]
    fn a_doubtful_plan_is_seen_from_afar() {
        let plan = Plan { doubt: 2.0, threshold: 1.0, ..plan(5) };
        let marker = tip().planned(&plan, Stamp::default());
        assert!(marker.colors.iter().all(|color| *color == DOUBTFUL));
    }

    #[test]
    fn who_drives_stands_over_the_tip_and_over_the_base_where_that_is_not_known() {
        let command = Command { values: vec![0.0; 7], ..Command::default() };
        let held = Mode::Hold(Reason::Start);
        let (known, unknown) = (
            tip().driven(&command, Mode::Policy, "", Stamp::default()),
            tip().driven(&Command::default(), held, "it has just begun", Stamp::default()),
        );
        assert_eq!((known.text.as_str(), unknown.text.as_str()), ("policy", "held: it has just begun"));
        assert!(known.pose.position.x.hypot(known.pose.position.y) > 0.1);
        assert_eq!(unknown.pose.position, Point { z: OVER, ..Point::default() });
    }

    #[test]
    fn an_arm_that_is_moved_by_something_else_too_is_not_drawn() {
        let Tip { chain, .. } = tip();
        assert!(Tip::of(chain.clone(), "", &["elbow".to_owned()]).is_none());
        let left = JOINTS.map(|joint| format!("left_{joint}"));
        assert!(Tip::of(chain.clone(), "", &left).is_none());
        assert_eq!(Tip::of(chain, "left_", &left).map(|tip| tip.joints), Some(vec![1, 2, 3, 4, 5, 6]));
    }
}
