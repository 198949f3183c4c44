//! MuJoCo's door: a scene with the arm in it, its bodies and joints by name, and time that passes in steps.
//!
//! Everything above speaks of poses, joints and forces; indices into MuJoCo's arrays stay here. Names are looked up once,
//! when a world is opened, so that a name that is not in the scene is an error then and never in the middle of an episode.

use std::fmt;

use mujoco_rs::prelude::*;
use mujoco_rs::wrappers::MjVfs;
use mujoco_rs::wrappers::mj_editing::MjsBody;
use nalgebra::{Isometry3, Quaternion, Rotation3, Translation3, UnitQuaternion, Vector3};

use super::Error;

/// What stands in front of every name of the arm's description in the scene.
const PREFIX: &str = "arm/";
/// The frame of the arm's description that its camera looks out of.
const WRIST: &str = "wrist_camera_optical";
/// How wide the camera at the wrist sees, in degrees.
const WRIST_FOVY_DEGREES: f64 = 70.0;
/// Geoms that are touched but not seen: the arm's collision shapes stand where its visible ones do.
const HIDDEN: i32 = 3;

/// A position and an orientation.
pub type Pose = Isometry3<f64>;

/// A body of the scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body(usize);

/// A body that floats freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    /// The body itself.
    pub body: Body,
    position: usize,
    velocity: usize,
}

/// A body that stands where it is put and that nothing moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The body itself.
    pub body: Body,
    index: usize,
}

/// A joint with one degree of freedom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joint {
    position: usize,
    velocity: usize,
}

/// A servo motor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Motor(usize);

/// A scene in which time can pass.
pub struct Physics {
    data: MjData<Box<MjModel>>,
}

impl fmt::Debug for Physics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Physics").field("time", &self.time()).finish_non_exhaustive()
    }
}

impl Physics {
    /// Builds the scene `files[0]`; it may include and attach the others by their names.
    pub fn build(files: &[(&str, &str)]) -> Result<Self, Error> {
        let refused = |why: String| Error::Model { why };
        let mut folder = MjVfs::new();
        for (name, text) in files {
            folder.add_from_buffer(name, text.as_bytes()).map_err(|cause| refused(cause.to_string()))?;
        }
        let first = files.first().map_or("", |(name, _)| name);
        let mut scene = MjSpec::from_xml_vfs(first, &folder).map_err(|cause| refused(cause.to_string()))?;
        equip(&mut scene).map_err(|cause| refused(cause.to_string()))?;
        let mut model = scene.compile_with_vfs(&folder).map_err(|cause| refused(cause.to_string()))?;
        dress(&mut model);
        Ok(Self { data: MjData::new(Box::new(model)) })
    }

    /// Seconds since the last reset.
    pub fn time(&self) -> f64 {
        self.data.time()
    }

    /// Seconds one step takes.
    pub fn step_seconds(&self) -> f64 {
        self.data.model().opt().timestep
    }

    /// Lets `count` steps pass.
    pub fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.data.step();
        }
    }

    /// Works out where everything is without letting time pass.
    pub fn settle(&mut self) {
        self.data.forward();
    }

    /// Puts everything where the scene has it, at time zero.
    pub fn reset(&mut self) {
        self.data.reset();
    }

    /// Whether MuJoCo had to give up on numbers that ran away.
    pub fn ran_away(&self) -> bool {
        use mujoco_rs::mujoco_c::mjtWarning::{mjWARN_BADQACC, mjWARN_BADQPOS, mjWARN_BADQVEL};
        let warnings = self.data.warning();
        [mjWARN_BADQPOS, mjWARN_BADQVEL, mjWARN_BADQACC]
            .iter()
            .any(|kind| warnings[*kind as usize].number > 0)
    }

    fn find(&self, kind: MjtObjBase, what: &'static str, name: &str) -> Result<usize, Error> {
        let model = self.data.model();
        let found =
            model.name_to_id(kind, name).or_else(|| model.name_to_id(kind, &format!("{PREFIX}{name}")));
        found.ok_or_else(|| Error::Name { what, name: name.to_owned() })
    }

    /// The body of that name, in the scene or in the arm.
    pub fn body(&self, name: &str) -> Result<Body, Error> {
        self.find(MjtObjBase::mjOBJ_BODY, "body", name).map(Body)
    }

    /// The joint of that name, in the scene or in the arm.
    pub fn joint(&self, name: &str) -> Result<Joint, Error> {
        let id = self.find(MjtObjBase::mjOBJ_JOINT, "joint", name)?;
        let model = self.data.model();
        Ok(Joint { position: model.jnt_qposadr()[id] as usize, velocity: model.jnt_dofadr()[id] as usize })
    }

    /// The freely floating body of that name.
    pub fn free(&self, name: &str) -> Result<Free, Error> {
        let body = self.body(name)?;
        let model = self.data.model();
        let id = usize::try_from(model.body_jntadr()[body.0]).ok();
        match id.filter(|id| model.jnt_type()[*id] == MjtJoint::mjJNT_FREE) {
            Some(id) => {
                let (position, velocity) =
                    (model.jnt_qposadr()[id] as usize, model.jnt_dofadr()[id] as usize);
                Ok(Free { body, position, velocity })
            }
            None => Err(Error::Name { what: "freely floating body", name: name.to_owned() }),
        }
    }

    /// The marker of that name.
    pub fn marker(&self, name: &str) -> Result<Marker, Error> {
        let body = self.body(name)?;
        match usize::try_from(self.data.model().body_mocapid()[body.0]) {
            Ok(index) => Ok(Marker { body, index }),
            Err(_none) => Err(Error::Name { what: "marker", name: name.to_owned() }),
        }
    }

    /// The motor of that name.
    pub fn motor(&self, name: &str) -> Result<Motor, Error> {
        self.find(MjtObjBase::mjOBJ_ACTUATOR, "motor", name).map(Motor)
    }

    /// The camera of that name: its number, and nothing else is needed of it.
    pub(super) fn camera(&self, name: &str) -> Result<usize, Error> {
        self.find(MjtObjBase::mjOBJ_CAMERA, "camera", name)
    }

    /// Where a body is.
    pub fn pose(&self, body: Body) -> Pose {
        let [x, y, z] = self.data.xpos()[body.0];
        let [w, i, j, k] = self.data.xquat()[body.0];
        Pose::from_parts(
            Translation3::new(x, y, z),
            UnitQuaternion::from_quaternion(Quaternion::new(w, i, j, k)),
        )
    }

    /// Where a camera is, and its `fovy` in radians. It looks along its negative z.
    pub fn view(&self, name: &str) -> Result<(Pose, f64), Error> {
        let id = self.camera(name)?;
        let [x, y, z] = self.data.cam_xpos()[id];
        let rotation = Rotation3::from_matrix(&nalgebra::Matrix3::from_row_slice(&self.data.cam_xmat()[id]));
        let pose =
            Pose::from_parts(Translation3::new(x, y, z), UnitQuaternion::from_rotation_matrix(&rotation));
        Ok((pose, self.data.model().cam_fovy()[id].to_radians()))
    }

    /// Moves a floating body, and stops it.
    pub fn place(&mut self, free: Free, pose: &Pose) {
        let at = free.position;
        self.data.qpos_mut()[at..at + 3].copy_from_slice(pose.translation.vector.as_slice());
        let turned = pose.rotation.quaternion();
        self.data.qpos_mut()[at + 3..at + 7].copy_from_slice(&[turned.w, turned.i, turned.j, turned.k]);
        self.data.qvel_mut()[free.velocity..free.velocity + 6].fill(0.0);
    }

    /// Moves a marker.
    pub fn mark(&mut self, marker: Marker, pose: &Pose) {
        self.data.mocap_pos_mut()[marker.index].copy_from_slice(pose.translation.vector.as_slice());
        let turned = pose.rotation.quaternion();
        self.data.mocap_quat_mut()[marker.index] = [turned.w, turned.i, turned.j, turned.k];
    }

    /// How fast a floating body moves.
    pub fn velocity(&self, free: Free) -> Vector3<f64> {
        Vector3::from_column_slice(&self.data.qvel()[free.velocity..free.velocity + 3])
    }

    /// A joint's angle or length.
    pub fn position(&self, joint: Joint) -> f64 {
        self.data.qpos()[joint.position]
    }

    /// A joint's speed.
    pub fn speed(&self, joint: Joint) -> f64 {
        self.data.qvel()[joint.velocity]
    }

    /// The torque or force of a joint's motor.
    pub fn effort(&self, joint: Joint) -> f64 {
        self.data.qfrc_actuator()[joint.velocity]
    }

    /// Puts a joint somewhere, and stops it.
    pub fn set_position(&mut self, joint: Joint, position: f64) {
        self.data.qpos_mut()[joint.position] = position;
        self.data.qvel_mut()[joint.velocity] = 0.0;
    }

    /// Sets a motor's target.
    pub fn drive(&mut self, motor: Motor, target: f64) {
        self.data.ctrl_mut()[motor.0] = target;
    }

    /// A motor's target.
    pub fn driven(&self, motor: Motor) -> f64 {
        self.data.ctrl()[motor.0]
    }

    /// Pulls at a body's centre of mass with `force` until told otherwise.
    pub fn pull(&mut self, body: Body, force: Vector3<f64>) {
        self.data.xfrc_applied_mut()[body.0][..3].copy_from_slice(force.as_slice());
    }

    /// Switches every motor on or off.
    pub fn power(&mut self, on: bool) {
        // Motors are of group 0, which is the lowest bit.
        self.data.model_opt_mut().disableactuator = i32::from(!on);
    }

    /// Adds a torque or force to a joint until told otherwise.
    pub fn push(&mut self, joint: Joint, effort: f64) {
        self.data.qfrc_applied_mut()[joint.velocity] = effort;
    }

    /// Whether two bodies touch.
    pub fn touching(&self, a: Body, b: Body) -> bool {
        let body_of =
            |geom: i32| usize::try_from(geom).ok().map(|geom| self.data.model().geom_bodyid()[geom] as usize);
        self.data.contact().iter().any(|contact| {
            let pair = (body_of(contact.geom1), body_of(contact.geom2));
            contact.dist <= 0.0 && (pair == (Some(a.0), Some(b.0)) || pair == (Some(b.0), Some(a.0)))
        })
    }

    /// Everything that decides what comes next, as numbers.
    pub fn state(&self) -> Vec<f64> {
        self.data.state(MjtState::mjSTATE_INTEGRATION as u32).into_vec()
    }

    /// Goes back to a [`state`](Self::state) of the same scene.
    pub fn restore(&mut self, state: &[f64]) -> Result<(), Error> {
        let refused = |cause: MjDataError| Error::State { why: cause.to_string() };
        self.data.set_state(state, MjtState::mjSTATE_INTEGRATION as u32).map_err(refused)?;
        self.data.forward();
        Ok(())
    }

    /// What MuJoCo needs for drawing.
    pub(super) fn data(&mut self) -> &mut MjData<Box<MjModel>> {
        &mut self.data
    }

    /// How many degrees of freedom the scene has.
    pub fn freedom(&self) -> usize {
        self.data.qvel().len()
    }

    /// Shows a geom of the scene in another colour, from now on.
    pub fn paint(&mut self, name: &str, colour: [f32; 4]) -> Result<(), Error> {
        let id = self.find(MjtObjBase::mjOBJ_GEOM, "geom", name)?;
        let mut model = self.data.model().clone();
        model.geom_rgba_mut()[id] = colour;
        self.data.try_swap_model(Box::new(model)).map_err(|cause| Error::Model { why: cause.to_string() })?;
        Ok(())
    }
}

/// Gives the arm what its description cannot say: controllers that carry its weight, and a camera at its wrist.
fn equip(scene: &mut MjSpec) -> Result<(), MjEditError> {
    carry(scene.world_body_mut());
    if let Some(wrist) = scene.body_mut(&format!("{PREFIX}{WRIST}")) {
        let camera = wrist.add_camera();
        camera.set_name("wrist")?;
        camera.set_fovy(WRIST_FOVY_DEGREES);
        // ROS looks along z with y down, MuJoCo along -z with y up: half a turn about x.
        camera.quat_mut().copy_from_slice(&[0.0, 1.0, 0.0, 0.0]);
    }
    Ok(())
}

/// Carries the weight of every body of the arm below `parent`.
fn carry(parent: &mut MjsBody) {
    for body in parent.body_iter_mut() {
        if body.name().starts_with(PREFIX) {
            body.set_gravcomp(1.0);
        }
        carry(body);
    }
}

/// The arm touches the world and not itself nor the floor, which it does not reach, and is seen in its visible shapes only.
fn dress(model: &mut MjModel) {
    let of_the_arm: Vec<bool> = model
        .geom_bodyid()
        .iter()
        .map(|body| {
            model
                .id_to_name(MjtObjBase::mjOBJ_BODY, *body as usize)
                .is_some_and(|name| name.starts_with(PREFIX))
        })
        .collect();
    for (geom, of_the_arm) in of_the_arm.into_iter().enumerate() {
        let solid = model.geom_contype()[geom] != 0;
        match (of_the_arm, solid) {
            (true, true) => {
                (model.geom_contype_mut()[geom], model.geom_conaffinity_mut()[geom]) = (1, 2);
                model.geom_group_mut()[geom] = HIDDEN;
            }
            (false, true) => {
                let floor = model.geom_type()[geom] == MjtGeomBase::mjGEOM_PLANE;
                let touched = if floor { (4, 0) } else { (2, 7) };
                (model.geom_contype_mut()[geom], model.geom_conaffinity_mut()[geom]) = touched;
            }
            _ => {}
        }
    }
}

/// The version of MuJoCo that is linked.
pub fn version() -> String {
    mujoco_rs::mujoco_version().to_string()
}

/// Drops a ball for a second and looks how far it fell: a version number alone would not show that physics happens.
pub fn check() -> Result<(), Error> {
    let falling = "<mujoco><option timestep='0.001'/><worldbody><body name='ball'><freejoint/><geom size='0.1'/></body></worldbody></mujoco>";
    let mut physics = Physics::build(&[("ball.xml", falling)])?;
    let ball = physics.body("ball")?;
    physics.steps(1000);
    let fell_m = -physics.pose(ball).translation.z;
    if (fell_m - 4.905).abs() < 0.01 { Ok(()) } else { Err(Error::Physics { fell_m }) }
}
