//! rcl_interfaces: parameters as messages and services, and log lines.
//!
//! What `ros2 param` and `/rosout` speak.

use bytes::Bytes;

use super::std::Time;

message! {
    /// The kinds of a parameter's value; there is nothing else in it.
    pub struct ParameterType: "rcl_interfaces/msg/ParameterType" {}
    consts {
        /// No value.
        const PARAMETER_NOT_SET: u8 = 0;
        /// `bool_value`
        const PARAMETER_BOOL: u8 = 1;
        /// `integer_value`
        const PARAMETER_INTEGER: u8 = 2;
        /// `double_value`
        const PARAMETER_DOUBLE: u8 = 3;
        /// `string_value`
        const PARAMETER_STRING: u8 = 4;
        /// `byte_array_value`
        const PARAMETER_BYTE_ARRAY: u8 = 5;
        /// `bool_array_value`
        const PARAMETER_BOOL_ARRAY: u8 = 6;
        /// `integer_array_value`
        const PARAMETER_INTEGER_ARRAY: u8 = 7;
        /// `double_array_value`
        const PARAMETER_DOUBLE_ARRAY: u8 = 8;
        /// `string_array_value`
        const PARAMETER_STRING_ARRAY: u8 = 9;
    }
}

message! {
    /// A parameter's value: the one field that its type names.
    pub struct ParameterValue: "rcl_interfaces/msg/ParameterValue" {
        /// Which field it is: one of [`ParameterType`]'s constants.
        pub r#type: u8,
        /// A truth value.
        pub bool_value: bool,
        /// An integer.
        pub integer_value: i64,
        /// A number.
        pub double_value: f64,
        /// A text.
        pub string_value: String,
        /// Bytes.
        pub byte_array_value: Bytes as "byte[]",
        /// Truth values.
        pub bool_array_value: Vec<bool>,
        /// Integers.
        pub integer_array_value: Vec<i64>,
        /// Numbers.
        pub double_array_value: Vec<f64>,
        /// Texts.
        pub string_array_value: Vec<String>,
    }
}

message! {
    /// A named value.
    pub struct Parameter: "rcl_interfaces/msg/Parameter" {
        /// The name.
        pub name: String,
        /// The value.
        pub value: ParameterValue,
    }
}

message! {
    /// The numbers a parameter may be.
    pub struct FloatingPointRange: "rcl_interfaces/msg/FloatingPointRange" {
        /// The least.
        pub from_value: f64,
        /// The greatest.
        pub to_value: f64,
        /// From one to the next; zero where any between is one.
        pub step: f64,
    }
}

message! {
    /// The integers a parameter may be.
    pub struct IntegerRange: "rcl_interfaces/msg/IntegerRange" {
        /// The least.
        pub from_value: i64,
        /// The greatest.
        pub to_value: i64,
        /// From one to the next; zero where any between is one.
        pub step: u64,
    }
}

message! {
    /// What a parameter is for and may be.
    pub struct ParameterDescriptor: "rcl_interfaces/msg/ParameterDescriptor" {
        /// The name.
        pub name: String,
        /// Which kind of value it has: one of [`ParameterType`]'s constants.
        pub r#type: u8,
        /// What it is for.
        pub description: String,
        /// What it may be, in words.
        pub additional_constraints: String,
        /// Whether it stays as it was at the start.
        pub read_only: bool,
        /// Whether its kind may change.
        pub dynamic_typing: bool,
        /// The numbers it may be; at most one range.
        pub floating_point_range: Vec<FloatingPointRange> as "FloatingPointRange[<=1]",
        /// The integers it may be; at most one range.
        pub integer_range: Vec<IntegerRange> as "IntegerRange[<=1]",
    }
}

message! {
    /// Whether a parameter was set.
    pub struct SetParametersResult: "rcl_interfaces/msg/SetParametersResult" {
        /// Whether it was.
        pub successful: bool,
        /// Why not, in words.
        pub reason: String,
    }
}

message! {
    /// Which parameters there are.
    pub struct ListParametersResult: "rcl_interfaces/msg/ListParametersResult" {
        /// Their names.
        pub names: Vec<String>,
        /// The prefixes among the names.
        pub prefixes: Vec<String>,
    }
}

message! {
    /// Which parameters of a node changed.
    pub struct ParameterEvent: "rcl_interfaces/msg/ParameterEvent" {
        /// When.
        pub stamp: Time,
        /// The full name of the node.
        pub node: String,
        /// Those that are new.
        pub new_parameters: Vec<Parameter>,
        /// Those that changed.
        pub changed_parameters: Vec<Parameter>,
        /// Those that are no more.
        pub deleted_parameters: Vec<Parameter>,
    }
}

message! {
    /// A line of a node's log.
    pub struct Log: "rcl_interfaces/msg/Log" {
        /// When.
        pub stamp: Time,
        /// How bad it is: one of the constants.
        pub level: u8,
        /// The logger.
        pub name: String,
        /// What it says.
        pub msg: String,
        /// The source file that says it.
        pub file: String,
        /// The function there.
        pub function: String,
        /// The line there.
        pub line: u32,
    }
    consts {
        /// For whoever looks for a fault.
        const DEBUG: u8 = 10;
        /// For whoever watches.
        const INFO: u8 = 20;
        /// Something is to be looked at.
        const WARN: u8 = 30;
        /// Something is broken.
        const ERROR: u8 = 40;
        /// Something is broken and the node ends.
        const FATAL: u8 = 50;
    }
}

service! {
    /// Tells what parameters are for and may be.
    pub struct DescribeParameters: "rcl_interfaces/srv/DescribeParameters";
    /// Which.
    pub struct DescribeParametersRequest {
        /// Their names.
        pub names: Vec<String>,
    }
    /// In the order asked.
    pub struct DescribeParametersResponse {
        /// One for each.
        pub descriptors: Vec<ParameterDescriptor>,
    }
}

service! {
    /// Tells the values of parameters.
    pub struct GetParameters: "rcl_interfaces/srv/GetParameters";
    /// Which.
    pub struct GetParametersRequest {
        /// Their names.
        pub names: Vec<String>,
    }
    /// In the order asked.
    pub struct GetParametersResponse {
        /// One for each.
        pub values: Vec<ParameterValue>,
    }
}

service! {
    /// Tells the kinds of parameters.
    pub struct GetParameterTypes: "rcl_interfaces/srv/GetParameterTypes";
    /// Which.
    pub struct GetParameterTypesRequest {
        /// Their names.
        pub names: Vec<String>,
    }
    /// In the order asked.
    pub struct GetParameterTypesResponse {
        /// One for each: [`ParameterType`]'s constants.
        pub types: Bytes,
    }
}

service! {
    /// Tells which parameters there are.
    pub struct ListParameters: "rcl_interfaces/srv/ListParameters";
    /// Which.
    pub struct ListParametersRequest {
        /// What their names begin with; none asks for all.
        pub prefixes: Vec<String>,
        /// How many parts of a name below the prefix.
        pub depth: u64,
    }
    consts {
        /// As a depth: any number of parts.
        const DEPTH_RECURSIVE: u64 = 0;
    }
    /// Which there are.
    pub struct ListParametersResponse {
        /// Names and prefixes.
        pub result: ListParametersResult,
    }
}

service! {
    /// Sets parameters one by one.
    pub struct SetParameters: "rcl_interfaces/srv/SetParameters";
    /// To what.
    pub struct SetParametersRequest {
        /// The parameters.
        pub parameters: Vec<Parameter>,
    }
    /// In the order asked.
    pub struct SetParametersResponse {
        /// One for each.
        pub results: Vec<SetParametersResult>,
    }
}

service! {
    /// Sets all parameters or none.
    pub struct SetParametersAtomically: "rcl_interfaces/srv/SetParametersAtomically";
    /// To what.
    pub struct SetParametersAtomicallyRequest {
        /// The parameters.
        pub parameters: Vec<Parameter>,
    }
    /// Whether they were set.
    pub struct SetParametersAtomicallyResponse {
        /// Whether they were.
        pub result: SetParametersResult,
    }
}
