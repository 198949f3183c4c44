//! The value of a parameter, as one of the kinds ROS 2 knows.
//!
//! On the wire a value is a struct of all nine kinds with a number that says which one counts; as an enum the eight others
//! cannot be read by mistake.

use bytes::Bytes;

use crate::msg::rcl::ParameterValue;

/// A parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A number.
    Double(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Bytes),
    /// Truth values.
    Bools(Vec<bool>),
    /// Integers.
    Integers(Vec<i64>),
    /// Numbers.
    Doubles(Vec<f64>),
    /// Texts.
    Texts(Vec<String>),
}

impl Value {
    /// Its kind as `rcl_interfaces/msg/ParameterType` counts them.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Bool(_) => 1,
            Self::Integer(_) => 2,
            Self::Double(_) => 3,
            Self::Text(_) => 4,
            Self::Bytes(_) => 5,
            Self::Bools(_) => 6,
            Self::Integers(_) => 7,
            Self::Doubles(_) => 8,
            Self::Texts(_) => 9,
        }
    }

    /// Its kind in words.
    pub(super) fn kind_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a bool",
            Self::Integer(_) => "an integer",
            Self::Double(_) => "a double",
            Self::Text(_) => "a string",
            Self::Bytes(_) => "a byte array",
            Self::Bools(_) => "a bool array",
            Self::Integers(_) => "an integer array",
            Self::Doubles(_) => "a double array",
            Self::Texts(_) => "a string array",
        }
    }

    /// As it travels.
    pub(super) fn message(&self) -> ParameterValue {
        let mut message = ParameterValue { r#type: self.kind(), ..ParameterValue::default() };
        match self {
            Self::Bool(value) => message.bool_value = *value,
            Self::Integer(value) => message.integer_value = *value,
            Self::Double(value) => message.double_value = *value,
            Self::Text(value) => message.string_value.clone_from(value),
            Self::Bytes(value) => message.byte_array_value.clone_from(value),
            Self::Bools(value) => message.bool_array_value.clone_from(value),
            Self::Integers(value) => message.integer_array_value.clone_from(value),
            Self::Doubles(value) => message.double_array_value.clone_from(value),
            Self::Texts(value) => message.string_array_value.clone_from(value),
        }
        message
    }

    /// What travelled; `None` where it is no value.
    pub(super) fn of(message: &ParameterValue) -> Option<Self> {
        Some(match message.r#type {
            1 => Self::Bool(message.bool_value),
            2 => Self::Integer(message.integer_value),
            3 => Self::Double(message.double_value),
            4 => Self::Text(message.string_value.clone()),
            5 => Self::Bytes(message.byte_array_value.clone()),
            6 => Self::Bools(message.bool_array_value.clone()),
            7 => Self::Integers(message.integer_array_value.clone()),
            8 => Self::Doubles(message.double_array_value.clone()),
            9 => Self::Texts(message.string_array_value.clone()),
            _ => return None,
        })
    }
}
