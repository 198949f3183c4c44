//! What a URDF says: links with their masses and shapes, joints with their limits, and the tree they make.
//!
//! Read by our own code on top of an XML parser that knows lines and columns, because a robot's description is written
//! by hand and its mistakes must be findable; elements of other programs (`transmission`, `gazebo`, `mujoco`) are passed
//! over, as URDF wants it. What comes out is whole: one root, every joint between known links, every limit sensible.

mod parse;
mod tree;

use std::path::Path;

use nalgebra::{Isometry3, Matrix3, Unit, Vector3};

use super::Error;

/// The description of the arm that this package simulates, as it is in `urdf/sim_arm.urdf`.
pub const SIM_ARM: &str = include_str!("../../urdf/sim_arm.urdf");

/// A robot as its URDF describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// What the robot is called.
    pub name: String,
    /// The links, in the order of the file.
    pub links: Vec<Link>,
    /// The joints, in the order of the file.
    pub joints: Vec<Joint>,
    /// The link that nothing carries.
    pub root: String,
}

/// A rigid body, or a mere frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Its name, which is also its frame's.
    pub name: String,
    /// How heavy it is; `None` for a mere frame.
    pub inertial: Option<Inertial>,
    /// What is seen of it.
    pub visual: Vec<Shape>,
    /// What touches.
    pub collision: Vec<Shape>,
}

/// How heavy a link is, and how that weight lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inertial {
    /// The centre of mass, and the axes of `inertia`, in the link's frame.
    pub origin: Isometry3<f64>,
    /// Kilograms.
    pub mass: f64,
    /// About the centre of mass, kg·m².
    pub inertia: Matrix3<f64>,
}

/// A shape, and where in the link's frame it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The shape's frame in the link's.
    pub origin: Isometry3<f64>,
    /// The shape.
    pub geometry: Geometry,
}

/// The shapes that URDF knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Geometry {
    /// A box about its frame's origin, with its edges' lengths.
    Box(Vector3<f64>),
    /// A cylinder about its frame's z axis, the origin in its middle.
    Cylinder {
        /// Metres.
        radius: f64,
        /// Metres, from end to end.
        length: f64,
    },
    /// A ball about its frame's origin.
    Sphere {
        /// Metres.
        radius: f64,
    },
    /// A file of triangles.
    Mesh {
        /// Where, as written.
        file: String,
        /// By how much it is stretched.
        scale: Vector3<f64>,
    },
}

/// What one link may do on another.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    /// Its name.
    pub name: String,
    /// How it moves.
    pub kind: Kind,
    /// The link that carries it.
    pub parent: String,
    /// The link it carries.
    pub child: String,
    /// The child's frame in the parent's, with the joint at zero.
    pub origin: Isometry3<f64>,
    /// About or along which axis it moves, in the child's frame.
    pub axis: Unit<Vector3<f64>>,
    /// How far, how fast, how strongly. Always there for revolute and prismatic joints.
    pub limit: Option<Limit>,
    /// Which joint it follows, if it is not driven itself.
    pub mimic: Option<Mimic>,
    /// N·m·s/rad or N·s/m.
    pub damping: f64,
    /// N·m or N.
    pub friction: f64,
}

/// How a joint moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It turns between two limits.
    Revolute,
    /// It turns without end.
    Continuous,
    /// It slides between two limits.
    Prismatic,
    /// Not at all.
    Fixed,
    /// In every way.
    Floating,
    /// In a plane.
    Planar,
}

impl Kind {
    /// The word that URDF has for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Revolute => "revolute",
            Self::Continuous => "continuous",
            Self::Prismatic => "prismatic",
            Self::Fixed => "fixed",
            Self::Floating => "floating",
            Self::Planar => "planar",
        }
    }
}

/// How far, how fast and how strongly a joint may move. A continuous joint's positions are unlimited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// The least position, rad or m.
    pub lower: f64,
    /// The greatest position, rad or m.
    pub upper: f64,
    /// The greatest speed, rad/s or m/s.
    pub speed: f64,
    /// The greatest effort, N·m or N.
    pub effort: f64,
}

/// A joint that follows another: its position is `multiplier` × the other's + `offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mimic {
    /// The joint that is driven.
    pub joint: String,
    /// By what the other's position is multiplied.
    pub multiplier: f64,
    /// What is added.
    pub offset: f64,
}

impl Description {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Disk { path: path.to_path_buf(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads a text; `name` stands for its file in errors.
    ///
    /// ```
    /// use apprentice::arm::urdf::{Description, SIM_ARM};
    ///
    /// let arm = Description::parse(SIM_ARM, "sim_arm.urdf")?;
    /// assert_eq!(arm.joint("gripper")?.limit.map(|limit| limit.upper), Some(0.04));
    ///
    /// let torn = SIM_ARM.replace("<child link=\"forearm\"/>", "<child link=\"fourarm\"/>");
    /// let error = Description::parse(&torn, "sim_arm.urdf").expect_err("no such link");
    /// assert!(error.to_string().contains("joint \"elbow\": its child \"fourarm\" is no link"), "{error}");
    /// # Ok::<(), apprentice::arm::Error>(())
    /// ```
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        parse::description(text, name)
    }

    /// The link of that name.
    pub fn link(&self, name: &str) -> Result<&Link, Error> {
        let found = self.links.iter().find(|link| link.name == name);
        found.ok_or_else(|| self.unknown("link", name, self.links.iter().map(|link| link.name.as_str())))
    }

    /// The joint of that name.
    pub fn joint(&self, name: &str) -> Result<&Joint, Error> {
        let found = self.joints.iter().find(|joint| joint.name == name);
        found.ok_or_else(|| self.unknown("joint", name, self.joints.iter().map(|joint| joint.name.as_str())))
    }

    /// The joint that carries `link`; `None` for the root.
    pub fn carrier(&self, link: &str) -> Option<&Joint> {
        self.joints.iter().find(|joint| joint.child == link)
    }

    fn unknown<'a>(&self, what: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Error {
        let known = known.collect::<Vec<_>>().join(", ");
        Error::Unknown { what, name: name.to_owned(), robot: self.name.clone(), known }
    }
}
