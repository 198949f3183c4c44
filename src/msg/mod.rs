//! Messages as Rust structs, with their bytes on the wire, their definition text and their type hash.
//!
//! A message is one list of fields (see `message!`). Its bytes both ways, the text a recording embeds and the hash by
//! which ROS 2 compares types all come from that list, so none of them can go stale. The modules are named for the
//! packages the types come from. A new message is a struct in one of them and a line in [`MESSAGES`].

use ::std::fmt::Debug;

use bytes::Bytes;

#[macro_use]
mod macros;

pub mod cdr;
pub mod dds;
pub mod definition;
pub mod describe;
pub mod diagnostic;
mod error;
pub mod geometry;
pub mod lifecycle;
pub mod own;
pub mod rcl;
pub mod sensor;
pub mod std;
pub mod trajectory;
pub mod visualization;

pub use cdr::Field;
pub use definition::find_definition;
pub use describe::{Constant, Definition, Description, Element, Kind};
pub use error::Error;

/// A struct that is a ROS 2 message.
pub trait Message: Field + Debug + Clone + PartialEq + Default + Send + Sync + 'static {
    /// The full name of its type: `sensor_msgs/msg/JointState`.
    const TYPE: &'static str;

    /// Its own fields and constants.
    fn describe() -> Description;

    /// Its definition text and hash.
    fn definition() -> Definition {
        Definition::of(&family::<Self>())
    }

    /// Its bytes: little-endian XCDR1 behind four bytes of encapsulation.
    fn encode(&self) -> Bytes {
        let mut out = cdr::Writer::new();
        self.write(&mut out);
        out.finish()
    }

    /// The message these bytes say, in either byte order. What follows its last field is not looked at: some
    /// middlewares pad. Any `uint8[]` in it is a slice that keeps `cdr` alive.
    fn decode(cdr: &Bytes) -> Result<Self, Error> {
        Self::read(&mut cdr::Reader::new(cdr)?)
    }
}

/// A question and its answer.
pub trait Service: 'static {
    /// The full name of its type: `std_srvs/srv/Trigger`.
    const TYPE: &'static str;
    /// What is asked.
    type Request: Message;
    /// What is answered.
    type Response: Message;

    /// Its definition text (that of its `.srv` file) and its hash.
    fn definition() -> Definition {
        let mut family = vec![definition::service(Self::TYPE)];
        Self::Request::gather(&mut family);
        Self::Response::gather(&mut family);
        std::EventInfo::gather(&mut family);
        family.push(definition::event(Self::TYPE));
        let text =
            format!("{}---\n{}", Self::Request::describe().lines(), Self::Response::describe().lines());
        Definition { type_name: Self::TYPE.into(), text, hash: describe::hash(&family) }
    }
}

/// `M` and all it is made of, itself first.
fn family<M: Message>() -> Vec<Description> {
    let mut family = Vec::new();
    M::gather(&mut family);
    family
}

/// A message type as the registry has it.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The full name: `sensor_msgs/msg/JointState`.
    pub type_name: &'static str,
    /// Makes its own description.
    pub describe: fn() -> Description,
    /// Makes its definition text and hash.
    pub definition: fn() -> Definition,
    /// Whether bytes are such a message.
    pub check: fn(&Bytes) -> Result<(), Error>,
    /// Decodes bytes and encodes what they said.
    pub recode: fn(&Bytes) -> Result<Bytes, Error>,
}

impl Known {
    const fn of<M: Message>() -> Self {
        Self {
            type_name: M::TYPE,
            describe: M::describe,
            definition: M::definition,
            check: |cdr| M::decode(cdr).map(drop),
            recode: |cdr| M::decode(cdr).map(|message| message.encode()),
        }
    }
}

/// A service type as the registry has it.
#[derive(Clone, Copy, Debug)]
pub struct KnownService {
    /// The full name: `std_srvs/srv/Trigger`.
    pub type_name: &'static str,
    /// What is asked.
    pub request: Known,
    /// What is answered.
    pub response: Known,
    /// Makes its definition text and hash.
    pub definition: fn() -> Definition,
}

impl KnownService {
    const fn of<S: Service>() -> Self {
        Self {
            type_name: S::TYPE,
            request: Known::of::<S::Request>(),
            response: Known::of::<S::Response>(),
            definition: S::definition,
        }
    }
}

macro_rules! messages {
    ($($package:ident: $($name:ident)+;)*) => {
        /// Every message type we know.
        pub static MESSAGES: &[Known] = &[$($(Known::of::<$package::$name>(),)+)*];
    };
}

macro_rules! services {
    ($($package:ident: $($name:ident)+;)*) => {
        /// Every service type we know.
        pub static SERVICES: &[KnownService] = &[$($(KnownService::of::<$package::$name>(),)+)*];
    };
}

messages! {
    std: Time Duration Header Color Empty Bool Float64 Text MultiArrayDimension MultiArrayLayout Float64MultiArray Clock
         EventInfo;
    geometry: Vector3 Point Quaternion Pose PoseStamped Twist TwistStamped Wrench WrenchStamped Transform
              TransformStamped TFMessage;
    sensor: JointState Image CompressedImage RegionOfInterest CameraInfo Joy Imu;
    trajectory: JointTrajectoryPoint JointTrajectory;
    visualization: UVCoordinate MeshFile Marker MarkerArray;
    diagnostic: KeyValue DiagnosticStatus DiagnosticArray;
    rcl: ParameterType ParameterValue Parameter FloatingPointRange IntegerRange ParameterDescriptor
         SetParametersResult ListParametersResult ParameterEvent Log;
    lifecycle: State Transition TransitionDescription TransitionEvent;
    dds: Gid NodeEntitiesInfo ParticipantEntitiesInfo;
    own: Command Intervention Plan Judgement Stream Recording;
}

services! {
    std: Trigger SetBool Nothing;
    rcl: DescribeParameters GetParameters GetParameterTypes ListParameters SetParameters SetParametersAtomically;
    lifecycle: ChangeState GetState GetAvailableStates GetAvailableTransitions;
    own: Load Reset Disturb;
}

/// Every message type we know, and those services are made of.
pub fn all() -> impl Iterator<Item = &'static Known> {
    MESSAGES.iter().chain(SERVICES.iter().flat_map(|service| [&service.request, &service.response]))
}

/// The message type of that name, where we know it.
pub fn known(type_name: &str) -> Option<&'static Known> {
    all().find(|known| known.type_name == type_name)
}

/// The service type of that name, where we know it.
pub fn known_service(type_name: &str) -> Option<&'static KnownService> {
    SERVICES.iter().find(|known| known.type_name == type_name)
}
