//! The T from above: its two rectangles, its outline, and how much of one T lies on another.
//!
//! The overlap is exact, because it decides who has succeeded: rectangles are convex, so each pair of them is clipped edge
//! by edge (Sutherland and Hodgman 1974), and the two of one T share no area.

use nalgebra::{Isometry2, Point2, Vector2};

use crate::sim::physics::Pose;

/// Where something lies on the table, and which way round.
pub(super) type Flat = Isometry2<f64>;

/// The half sides of the bar and of the stem, m; the scene has the same.
const BAR: [f64; 2] = [0.08, 0.02];
const STEM: [f64; 2] = [0.02, 0.06];
/// How far the middle of the bar and of the stem lie from the centroid, along the stem, m.
const BAR_AT: f64 = 0.034_285_7;
const STEM_AT: f64 = -0.045_714_3;
/// The side of the bar that the stem is at, m.
const NECK: f64 = BAR_AT - BAR[1];
/// The area of the T, m².
const AREA: f64 = 4.0 * (BAR[0] * BAR[1] + STEM[0] * STEM[1]);

/// The corners of the T, counterclockwise.
const OUTLINE: [[f64; 2]; 8] = [
    [STEM[0], STEM_AT - STEM[1]],
    [STEM[0], NECK],
    [BAR[0], NECK],
    [BAR[0], BAR_AT + BAR[1]],
    [-BAR[0], BAR_AT + BAR[1]],
    [-BAR[0], NECK],
    [-STEM[0], NECK],
    [-STEM[0], STEM_AT - STEM[1]],
];

/// One side of the T, in its own frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Side {
    /// Where it begins, with the T to its left.
    pub(super) from: Vector2<f64>,
    /// Its direction.
    pub(super) along: Vector2<f64>,
    /// Out of the T.
    pub(super) out: Vector2<f64>,
    /// How long it is, m.
    pub(super) length: f64,
}

/// The eight sides.
pub(super) fn sides() -> [Side; 8] {
    std::array::from_fn(|index| {
        let (from, to) = (Vector2::from(OUTLINE[index]), Vector2::from(OUTLINE[(index + 1) % OUTLINE.len()]));
        let length = (to - from).norm();
        let along = (to - from) / length;
        Side { from, along, out: Vector2::new(along.y, -along.x), length }
    })
}

/// What of a pose in space lies in the plane of the table.
pub(super) fn flat(pose: &Pose) -> Flat {
    let ahead = pose.rotation * nalgebra::Vector3::x();
    Flat::new(pose.translation.vector.xy(), ahead.y.atan2(ahead.x))
}

/// How far `point`, in the frame of the T, lies from it; zero inside.
pub(super) fn distance(point: &Vector2<f64>) -> f64 {
    let to = |half: [f64; 2], middle: f64| {
        let x = (point.x.abs() - half[0]).max(0.0);
        let y = ((point.y - middle).abs() - half[1]).max(0.0);
        x.hypot(y)
    };
    to(BAR, BAR_AT).min(to(STEM, STEM_AT))
}

/// The share of the T at `a` that lies on the T at `b`.
pub(super) fn overlap(a: &Flat, b: &Flat) -> f64 {
    let pairs =
        rectangles(a).into_iter().flat_map(|one| rectangles(b).map(|other| area(&clip(&one, &other))));
    pairs.sum::<f64>() / AREA
}

/// The bar and the stem of the T at `pose`, counterclockwise.
fn rectangles(pose: &Flat) -> [[Point2<f64>; 4]; 2] {
    let corners = |[x, y]: [f64; 2], middle: f64| {
        [[-x, middle - y], [x, middle - y], [x, middle + y], [-x, middle + y]]
            .map(|corner| pose * Point2::from(corner))
    };
    [corners(BAR, BAR_AT), corners(STEM, STEM_AT)]
}

/// What of `subject` lies inside the convex `window`, whose corners go counterclockwise.
fn clip(subject: &[Point2<f64>], window: &[Point2<f64>]) -> Vec<Point2<f64>> {
    let mut kept = subject.to_vec();
    for (index, from) in window.iter().enumerate() {
        let edge = window[(index + 1) % window.len()] - from;
        let inside = |point: &Point2<f64>| edge.perp(&(point - from));
        let before = std::mem::take(&mut kept);
        for (index, here) in before.iter().enumerate() {
            let last = &before[(index + before.len() - 1) % before.len()];
            let (at_last, at_here) = (inside(last), inside(here));
            if (at_last < 0.0) != (at_here < 0.0) {
                kept.push(last + (here - last) * (at_last / (at_last - at_here)));
            }
            if at_here >= 0.0 {
                kept.push(*here);
            }
        }
    }
    kept
}

/// The area of a polygon whose corners go counterclockwise.
fn area(corners: &[Point2<f64>]) -> f64 {
    let next = |index: usize| &corners[(index + 1) % corners.len()];
    corners.iter().enumerate().map(|(index, here)| here.coords.perp(&next(index).coords)).sum::<f64>() / 2.0
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, PI};

    use super::*;
    use crate::noise::Noise;

    const HERE: [f64; 2] = [0.4, -0.1];

    fn at(x: f64, y: f64, yaw: f64) -> Flat {
        Flat::new(Vector2::new(HERE[0] + x, HERE[1] + y), yaw)
    }

    /// The overlap by counting points of a fine grid, another way altogether.
    fn counted(a: &Flat, b: &Flat) -> f64 {
        let inside =
            |pose: &Flat, point: &Point2<f64>| distance(&pose.inverse_transform_point(point).coords) == 0.0;
        let cells = 400;
        let place = |cell: i32| (f64::from(cell) + 0.5) * 0.4 / f64::from(cells) - 0.2;
        let (mut in_a, mut in_both) = (0.0, 0.0);
        for (row, column) in (0..cells).flat_map(|row| (0..cells).map(move |column| (row, column))) {
            let point = a * Point2::new(place(row), place(column));
            if inside(a, &point) {
                in_a += 1.0;
                in_both += f64::from(u8::from(inside(b, &point)));
            }
        }
        in_both / in_a
    }

    #[test]
    fn a_t_covers_itself_and_nothing_far_away() {
        for yaw in [0.0, 0.3, FRAC_PI_2, -2.0, PI] {
            assert!((overlap(&at(0.0, 0.0, yaw), &at(0.0, 0.0, yaw)) - 1.0).abs() < 1e-9);
            assert_eq!(overlap(&at(0.0, 0.0, yaw), &at(0.3, 0.0, 0.0)), 0.0);
        }
    }

    #[test]
    fn a_shift_uncovers_what_a_ruler_says() {
        // Along the bar 4 + 12 cm of edge are uncovered, across it 16 cm, of 112 cm².
        for shift in [0.001, 0.01, 0.019] {
            let expected = 1.0 - 0.16 * shift / 0.0112;
            assert!((overlap(&at(shift, 0.0, 0.0), &at(0.0, 0.0, 0.0)) - expected).abs() < 1e-9);
            assert!((overlap(&at(0.0, shift, 0.0), &at(0.0, 0.0, 0.0)) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn any_two_overlap_as_counting_says_whichever_comes_first() {
        let mut noise = Noise::new(1);
        for _ in 0..20 {
            let mut drawn =
                || at(noise.within(-0.06..0.06), noise.within(-0.06..0.06), noise.within(-PI..PI));
            let (a, b) = (drawn(), drawn());
            assert!((overlap(&a, &b) - overlap(&b, &a)).abs() < 1e-9);
            assert!((overlap(&a, &b) - counted(&a, &b)).abs() < 0.01, "{a} {b}");
        }
    }

    #[test]
    fn the_sides_go_round_the_outline_and_out_of_it() {
        let round: f64 = sides().iter().map(|side| side.length).sum();
        assert!((round - 0.64).abs() < 1e-6);
        for side in sides() {
            let middle = side.from + side.along * side.length / 2.0;
            assert!((distance(&(middle + side.out * 0.01)) - 0.01).abs() < 1e-9);
            assert_eq!(distance(&(middle - side.out * 0.01)), 0.0);
        }
    }

    #[test]
    fn the_scene_has_the_same_t() {
        let scene = include_str!("../../../scenes/push.xml");
        for (half, middle) in [(BAR, BAR_AT), (STEM, STEM_AT)] {
            let words = format!("pos=\"0 {middle} 0.015\" size=\"{} {} 0.015\"", half[0], half[1]);
            assert!(scene.contains(&words), "no {words} in the scene");
        }
        assert!(
            (BAR_AT * BAR[0] * BAR[1] + STEM_AT * STEM[0] * STEM[1]).abs() < 1e-9,
            "the frame is in the centroid"
        );
    }
}
