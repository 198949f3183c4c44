//! visualization_msgs: shapes that RViz and Foxglove draw.
//!
//! As they are from Humble on; before, a marker had fewer fields.

use bytes::Bytes;

use super::geometry::{Point, Pose, Vector3};
use super::sensor::CompressedImage;
use super::std::{Color, Duration, Header};

message! {
    /// A place on a texture.
    pub struct UVCoordinate: "visualization_msgs/msg/UVCoordinate" {
        /// Across, 0 to 1.
        pub u: f32,
        /// Up, 0 to 1.
        pub v: f32,
    }
}

message! {
    /// A file with a shape in it.
    pub struct MeshFile: "visualization_msgs/msg/MeshFile" {
        /// Its name, by whose ending its kind is known.
        pub filename: String,
        /// The file.
        pub data: Bytes,
    }
}

message! {
    /// A shape.
    pub struct Marker: "visualization_msgs/msg/Marker" {
        /// When, and in which frame.
        pub header: Header,
        /// With `id` its name: one of the same name is replaced.
        pub ns: String,
        /// See `ns`.
        pub id: i32,
        /// Which shape.
        pub r#type: i32,
        /// Whether it comes or goes.
        pub action: i32,
        /// Where it is.
        pub pose: Pose,
        /// How large it is; of a line, x is how wide, of a text, z is how high.
        pub scale: Vector3,
        /// Its colour where `colors` says none.
        pub color: Color,
        /// How long it stays; zero is until it is deleted.
        pub lifetime: Duration,
        /// Whether it moves with its frame.
        pub frame_locked: bool,
        /// The places of a line or list.
        pub points: Vec<Point>,
        /// A colour for each of them, or none.
        pub colors: Vec<Color>,
        /// Where a texture is.
        pub texture_resource: String,
        /// The texture.
        pub texture: CompressedImage,
        /// Where on the texture each point is.
        pub uv_coordinates: Vec<UVCoordinate>,
        /// What a text says.
        pub text: String,
        /// Where a mesh is.
        pub mesh_resource: String,
        /// The mesh.
        pub mesh_file: MeshFile,
        /// Whether the mesh brings its own colours.
        pub mesh_use_embedded_materials: bool,
    }
    consts {
        /// From place to place.
        const LINE_STRIP: i32 = 4;
        /// Words that face the viewer.
        const TEXT_VIEW_FACING: i32 = 9;
        /// It comes, or takes the place of the one before.
        const ADD: i32 = 0;
        /// It goes.
        const DELETE: i32 = 2;
    }
}

message! {
    /// Shapes.
    pub struct MarkerArray: "visualization_msgs/msg/MarkerArray" {
        /// They.
        pub markers: Vec<Marker>,
    }
}
