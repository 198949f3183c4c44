//! ROS 2 for real, where it is: what r2r does that its users would meet.
//!
//! Where there is none that is said by name; `make test-ros` tries it.

#[cfg(feature = "ros")]
#[path = "support/alone.rs"]
mod alone;
#[cfg(feature = "ros")]
#[path = "support/patience.rs"]
mod patience;
#[cfg(not(feature = "ros"))]
#[path = "support/skipped.rs"]
mod skipped;
#[cfg(feature = "ros")]
#[path = "ros/traps.rs"]
mod traps;

#[cfg(not(feature = "ros"))]
#[test]
fn the_traps_of_r2r_are_tried_where_ros_is() {
    skipped::skipped("the_traps_of_r2r_are_tried_where_ros_is", "it takes ROS 2 and `make test-ros`");
}
