//! From XML to a description, element by element, with the place of everything that is wrong.
//!
//! Only what URDF itself defines is looked at. A number that is missing has URDF's own default; one that is there must
//! be a finite number, because a `nan` in a limit would pass every comparison that guards a motor.

use nalgebra::{Isometry3, Matrix3, Translation3, Unit, UnitQuaternion, Vector3};
use roxmltree::{Document, Node};

use super::{Description, Geometry, Inertial, Joint, Kind, Limit, Link, Mimic, Shape, tree};
use crate::arm::Error;

/// Where errors come from: the file, and its text for lines and columns.
pub(super) struct Source<'a> {
    document: &'a Document<'a>,
    name: &'a str,
}

impl Source<'_> {
    /// An error at `node`, which is about `what`.
    pub(super) fn wrong(&self, node: Node<'_, '_>, what: &str, why: impl Into<String>) -> Error {
        let at = self.document.text_pos_at(node.range().start);
        Error::Urdf {
            place: format!("{}:{}:{}", self.name, at.row, at.col),
            what: what.to_owned(),
            why: why.into(),
        }
    }
}

/// A link or a joint being read: what errors call it.
struct Reading<'a> {
    source: &'a Source<'a>,
    what: String,
}

pub(super) fn description(text: &str, name: &str) -> Result<Description, Error> {
    let document = Document::parse(text).map_err(|error| {
        let at = error.pos();
        Error::Urdf {
            place: format!("{name}:{}:{}", at.row, at.col),
            what: "no XML".to_owned(),
            why: error.to_string(),
        }
    })?;
    let source = Source { document: &document, name };
    let robot = document.root_element();
    if !robot.has_tag_name("robot") {
        return Err(source.wrong(robot, robot.tag_name().name(), "a URDF is one element `robot`"));
    }
    let (mut links, mut joints) = (Vec::new(), Vec::new());
    for node in robot.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "link" => links.push((node, link(&source, node)?)),
            "joint" => joints.push((node, joint(&source, node)?)),
            _ => {}
        }
    }
    let root = tree::root(&source, robot, &links, &joints)?;
    Ok(Description {
        name: robot.attribute("name").unwrap_or_default().to_owned(),
        links: links.into_iter().map(|(_, link)| link).collect(),
        joints: joints.into_iter().map(|(_, joint)| joint).collect(),
        root,
    })
}

fn link(source: &Source<'_>, node: Node<'_, '_>) -> Result<Link, Error> {
    let name = named(source, node)?;
    let reading = Reading { source, what: format!("link {name:?}") };
    let shapes = |tag: &str| {
        let tagged = node.children().filter(move |child| child.has_tag_name(tag));
        tagged.map(|child| reading.shape(child)).collect::<Result<Vec<_>, _>>()
    };
    let inertial = child(node, "inertial").map(|node| reading.inertial(node)).transpose()?;
    Ok(Link { inertial, visual: shapes("visual")?, collision: shapes("collision")?, name })
}

fn joint(source: &Source<'_>, node: Node<'_, '_>) -> Result<Joint, Error> {
    let name = named(source, node)?;
    let reading = Reading { source, what: format!("joint {name:?}") };
    let kind = reading.kind(node)?;
    let end = |tag: &str| {
        let end = child(node, tag).ok_or_else(|| reading.wrong(node, format!("it has no `{tag}`")))?;
        reading.text(end, "link").map(str::to_owned)
    };
    let limit = reading.limit(node, kind)?;
    let dynamics = child(node, "dynamics");
    let resistance = |name: &str| match dynamics {
        Some(dynamics) => reading.at_least_zero(dynamics, name, 0.0),
        None => Ok(0.0),
    };
    Ok(Joint {
        kind,
        parent: end("parent")?,
        child: end("child")?,
        origin: reading.origin(node)?,
        axis: reading.axis(node)?,
        limit,
        mimic: child(node, "mimic").map(|node| reading.mimic(node)).transpose()?,
        damping: resistance("damping")?,
        friction: resistance("friction")?,
        name,
    })
}

fn named(source: &Source<'_>, node: Node<'_, '_>) -> Result<String, Error> {
    match node.attribute("name").map(str::trim) {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(source.wrong(node, node.tag_name().name(), "it has no name")),
    }
}

fn child<'a, 'b>(node: Node<'a, 'b>, tag: &str) -> Option<Node<'a, 'b>> {
    node.children().find(|child| child.has_tag_name(tag))
}

impl Reading<'_> {
    fn wrong(&self, node: Node<'_, '_>, why: impl Into<String>) -> Error {
        self.source.wrong(node, &self.what, why)
    }

    fn text<'a>(&self, node: Node<'a, '_>, name: &str) -> Result<&'a str, Error> {
        let tag = node.tag_name().name();
        node.attribute(name).ok_or_else(|| self.wrong(node, format!("its `{tag}` has no `{name}`")))
    }

    /// The numbers of an attribute that must be there.
    fn numbers<const N: usize>(&self, node: Node<'_, '_>, name: &str) -> Result<[f64; N], Error> {
        let text = self.text(node, name)?;
        let mut found = [0.0; N];
        let mut words = text.split_whitespace();
        let read = found.iter_mut().all(|number| match words.next().map(str::parse::<f64>) {
            Some(Ok(value)) if value.is_finite() => {
                *number = value;
                true
            }
            _ => false,
        });
        match read && words.next().is_none() {
            true => Ok(found),
            false => {
                let many = if N == 1 { "a finite number".to_owned() } else { format!("{N} finite numbers") };
                Err(self.wrong(node, format!("its `{name}` is {text:?} and not {many}")))
            }
        }
    }

    fn number(&self, node: Node<'_, '_>, name: &str) -> Result<f64, Error> {
        Ok(self.numbers::<1>(node, name)?[0])
    }

    fn number_or(&self, node: Node<'_, '_>, name: &str, default: f64) -> Result<f64, Error> {
        if node.has_attribute(name) { self.number(node, name) } else { Ok(default) }
    }

    fn vector_or(&self, node: Node<'_, '_>, name: &str, default: [f64; 3]) -> Result<Vector3<f64>, Error> {
        let numbers = if node.has_attribute(name) { self.numbers(node, name)? } else { default };
        Ok(Vector3::from(numbers))
    }

    fn at_least_zero(&self, node: Node<'_, '_>, name: &str, default: f64) -> Result<f64, Error> {
        let value = self.number_or(node, name, default)?;
        match value >= 0.0 {
            true => Ok(value),
            false => Err(self.wrong(node, format!("its `{name}` is {value}, under its minimum of 0"))),
        }
    }

    fn above_zero(&self, node: Node<'_, '_>, name: &str) -> Result<f64, Error> {
        let value = self.number(node, name)?;
        match value > 0.0 {
            true => Ok(value),
            false => Err(self.wrong(node, format!("its `{name}` is {value} and not above 0"))),
        }
    }

    /// The `origin` in `node`: rolled, pitched and yawed about fixed axes, in this order.
    fn origin(&self, node: Node<'_, '_>) -> Result<Isometry3<f64>, Error> {
        let Some(origin) = child(node, "origin") else { return Ok(Isometry3::identity()) };
        let xyz = self.vector_or(origin, "xyz", [0.0; 3])?;
        let rpy = self.vector_or(origin, "rpy", [0.0; 3])?;
        let turn = UnitQuaternion::from_euler_angles(rpy.x, rpy.y, rpy.z);
        Ok(Isometry3::from_parts(Translation3::from(xyz), turn))
    }

    fn axis(&self, node: Node<'_, '_>) -> Result<Unit<Vector3<f64>>, Error> {
        let Some(axis) = child(node, "axis") else { return Ok(Vector3::x_axis()) };
        let xyz = self.vector_or(axis, "xyz", [1.0, 0.0, 0.0])?;
        Unit::try_new(xyz, 1e-6).ok_or_else(|| self.wrong(axis, "its axis points nowhere"))
    }

    fn kind(&self, node: Node<'_, '_>) -> Result<Kind, Error> {
        use Kind::{Continuous, Fixed, Floating, Planar, Prismatic, Revolute};
        let word = self.text(node, "type")?;
        let kinds = [Revolute, Continuous, Prismatic, Fixed, Floating, Planar];
        kinds.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
            let known = kinds.map(Kind::word).join(", ");
            self.wrong(node, format!("its type {word:?} is none of {known}"))
        })
    }

    fn limit(&self, joint: Node<'_, '_>, kind: Kind) -> Result<Option<Limit>, Error> {
        let bounded = matches!(kind, Kind::Revolute | Kind::Prismatic);
        let Some(node) = child(joint, "limit") else {
            return match bounded {
                true => Err(self.wrong(joint, format!("it is {} and has no `limit`", kind.word()))),
                false => Ok(None),
            };
        };
        let (lower, upper) = match bounded {
            true => (self.number_or(node, "lower", 0.0)?, self.number_or(node, "upper", 0.0)?),
            false => (f64::NEG_INFINITY, f64::INFINITY),
        };
        if lower > upper {
            return Err(
                self.wrong(node, format!("its lower limit {lower} is over its upper limit of {upper}"))
            );
        }
        // Both are wanted by URDF; zero is what some exporters write where nobody knew.
        for name in ["velocity", "effort"] {
            self.text(node, name)?;
        }
        let speed = self.at_least_zero(node, "velocity", 0.0)?;
        Ok(Some(Limit { lower, upper, speed, effort: self.at_least_zero(node, "effort", 0.0)? }))
    }

    fn mimic(&self, node: Node<'_, '_>) -> Result<Mimic, Error> {
        let multiplier = self.number_or(node, "multiplier", 1.0)?;
        if multiplier == 0.0 {
            return Err(self.wrong(node, "it follows a joint by a multiplier of 0; that is a fixed joint"));
        }
        let joint = self.text(node, "joint")?.to_owned();
        Ok(Mimic { joint, multiplier, offset: self.number_or(node, "offset", 0.0)? })
    }

    fn inertial(&self, node: Node<'_, '_>) -> Result<Inertial, Error> {
        let part = |tag: &str| {
            child(node, tag).ok_or_else(|| self.wrong(node, format!("its `inertial` has no `{tag}`")))
        };
        let tensor = part("inertia")?;
        let entry = |name| self.number(tensor, name);
        let (ixy, ixz, iyz) = (entry("ixy")?, entry("ixz")?, entry("iyz")?);
        let inertia = Matrix3::new(entry("ixx")?, ixy, ixz, ixy, entry("iyy")?, iyz, ixz, iyz, entry("izz")?);
        if inertia.diagonal().iter().any(|about| *about < 0.0) {
            return Err(self.wrong(tensor, "its inertia is no body's: it is negative about an axis"));
        }
        let mass = self.at_least_zero(part("mass")?, "value", 0.0)?;
        Ok(Inertial { origin: self.origin(node)?, mass, inertia })
    }

    fn shape(&self, node: Node<'_, '_>) -> Result<Shape, Error> {
        let tag = node.tag_name().name();
        let geometry = child(node, "geometry").and_then(|geometry| geometry.first_element_child());
        let geometry = geometry.ok_or_else(|| self.wrong(node, format!("its `{tag}` has no geometry")))?;
        Ok(Shape { origin: self.origin(node)?, geometry: self.geometry(geometry)? })
    }

    fn geometry(&self, node: Node<'_, '_>) -> Result<Geometry, Error> {
        match node.tag_name().name() {
            "box" => {
                let size = Vector3::from(self.numbers::<3>(node, "size")?);
                match size.iter().all(|edge| *edge > 0.0) {
                    true => Ok(Geometry::Box(size)),
                    false => Err(self.wrong(node, "its box has an edge that is not above 0")),
                }
            }
            "cylinder" => Ok(Geometry::Cylinder {
                radius: self.above_zero(node, "radius")?,
                length: self.above_zero(node, "length")?,
            }),
            "sphere" => Ok(Geometry::Sphere { radius: self.above_zero(node, "radius")? }),
            "mesh" => Ok(Geometry::Mesh {
                file: self.text(node, "filename")?.to_owned(),
                scale: self.vector_or(node, "scale", [1.0; 3])?,
            }),
            other => Err(self.wrong(node, format!("{other:?} is no shape that URDF knows"))),
        }
    }
}
