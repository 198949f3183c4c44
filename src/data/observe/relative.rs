//! A pose as it is seen from another: the setting `relative_to` of a stream.
//!
//! What a hand does to a thing depends on where the two are to one another. A network that is told where each of them is has to
//! find that product of rotations and places for itself, and from a hundred demonstrations it finds it roughly. So the robot's
//! file may ask for it, and it is computed here, for a bag as on the robot.

use super::{Error, Observe, POSE, Reading, Stream};

impl Observe {
    /// Refuses streams that are relative to what they cannot be relative to.
    pub(super) fn check_relative(&self) -> Result<(), Error> {
        let related = |(name, stream): (&String, &Stream)| {
            let to = stream.relative_to.as_ref()?;
            let why = self.unrelated(name, stream, to)?;
            Some(Error::Relative { stream: name.clone(), to: to.clone(), why })
        };
        self.streams.iter().find_map(related).map_or(Ok(()), Err)
    }

    /// Why a stream cannot be relative to the one called `to`, if it cannot.
    fn unrelated(&self, name: &str, stream: &Stream, to: &str) -> Option<&'static str> {
        let other = self.streams.get(to);
        match () {
            () if name == to => Some("it is the stream itself"),
            () if other.is_none() => Some("there is no such stream"),
            () if other.is_some_and(|other| other.type_name.as_str() != POSE) => {
                Some("that stream tells no pose")
            }
            () if other.is_some_and(|other| other.optional) && !stream.optional => {
                Some("that stream is optional, and this one would be missing with it")
            }
            () => None,
        }
    }
}

/// `pose` as it is seen from `from`; what is no pose is left as it is.
pub(super) fn seen_from(from: &Reading, pose: &Reading) -> Reading {
    let (Reading::Pose(origin, turned), Reading::Pose(at, turn)) = (from, pose) else { return pose.clone() };
    let [x, y, z, w] = *turned;
    let back = [-x, -y, -z, w];
    let way = [at[0] - origin[0], at[1] - origin[1], at[2] - origin[2], 0.0];
    // A vector is turned as q · v · q⁻¹ (Hamilton's product).
    let [x, y, z, _] = product(&product(&back, &way), turned);
    Reading::Pose([x, y, z], product(&back, turn))
}

/// Of two quaternions, x, y, z, w each: the rotation of `b` and after it that of `a`.
fn product(a: &[f64; 4], b: &[f64; 4]) -> [f64; 4] {
    let [ax, ay, az, aw] = *a;
    let [bx, by, bz, bw] = *b;
    [
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    ]
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2};

    use super::*;

    fn observe(streams: &str) -> Result<Observe, String> {
        let stream = |line: &str| {
            let (name, rest) = line.split_once(' ').expect("a name and what it is");
            format!("  {name}: {{topic: /{name}, align: newest, max_age_ms: 50, {rest}}}\n")
        };
        let lines: String = streams.split('\n').map(|line| stream(line.trim())).collect();
        let text = format!("rate_hz: 25\nstreams:\n{lines}");
        serde_saphyr::from_str(&text).map_err(|refused| refused.to_string())
    }

    #[test]
    fn a_pose_is_seen_from_another_wherever_both_are() {
        // Turned to the left by a quarter: what lies to its left is ahead of it.
        let from = Reading::Pose([1.0, 2.0, 0.0], [0.0, 0.0, FRAC_1_SQRT_2, FRAC_1_SQRT_2]);
        let ahead = Reading::Pose([1.0, 2.5, 0.1], [0.0, 0.0, 0.0, 1.0]);
        let Reading::Pose(at, turned) = seen_from(&from, &ahead) else { panic!("it is a pose") };
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near(&at, &[0.5, 0.0, 0.1]), "{at:?}");
        assert!(near(&turned, &[0.0, 0.0, -(FRAC_PI_2 / 2.0).sin(), FRAC_1_SQRT_2]), "{turned:?}");
        // The whole scene moved by another pose.
        let moved = |reading: &Reading| {
            let Reading::Pose(at, turn) = reading else { panic!("it is a pose") };
            let by = [0.1, 0.7, -0.5, 0.5_f64];
            let back = [-0.1, -0.7, 0.5, 0.5];
            let [x, y, z, _] = product(&product(&by, &[at[0], at[1], at[2], 0.0]), &back);
            Reading::Pose([x + 0.3, y - 0.2, z + 0.5], product(&by, turn))
        };
        let Reading::Pose(there, as_turned) = seen_from(&moved(&from), &moved(&ahead)) else {
            panic!("it is a pose")
        };
        assert!(
            near(&at, &there) && near(&turned, &as_turned),
            "a scene that is moved as a whole looks the same"
        );
    }

    #[test]
    fn only_a_pose_can_be_relative_and_only_to_another_that_is_there() {
        let pose = "type: geometry_msgs/msg/PoseStamped";
        let of = |tool: &str, block: &str| observe(&format!("tool {tool}\nblock {block}"));
        assert!(of(&format!("{pose}, relative_to: block"), pose).is_ok());
        let twist = "type: geometry_msgs/msg/TwistStamped";
        for (tool, block, why) in [
            (format!("{pose}, relative_to: blok"), pose.to_owned(), "there is no such stream"),
            (format!("{pose}, relative_to: tool"), pose.to_owned(), "it is the stream itself"),
            (format!("{pose}, relative_to: block"), twist.to_owned(), "tells no pose"),
            (format!("{pose}, relative_to: block"), format!("{pose}, optional: true"), "is optional"),
            (format!("{twist}, relative_to: block"), pose.to_owned(), "no pose that could be `relative_to`"),
        ] {
            let refused = of(&tool, &block).expect_err(why);
            assert!(refused.contains(why), "{refused}");
        }
    }
}
