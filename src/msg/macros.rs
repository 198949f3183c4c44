//! `message!` and `service!`: one list of fields, from which come struct, bytes, description and hash.
//!
//! ```text
//! message! {
//!     /// What it is.
//!     pub struct Load: "my_msgs/msg/Load" {
//!         /// What this field is.
//!         pub level: u8 as "byte",      // `as`: where Rust's type does not say ROS's
//!         pub scale: f64 = 1.0,         // `=`: a default other than zero
//!     }
//!     consts {
//!         /// What this constant is.
//!         const OK: u8 as "byte" = 0;
//!     }
//! }
//! ```

/// Makes a struct a message.
macro_rules! message {
    (
        $(#[$about:meta])*
        pub struct $name:ident: $type_name:expr => {
            $($(#[$field_about:meta])* pub $field:ident: $kind:ty $(as $spelled:literal)? $(= $default:expr)?),* $(,)?
        }
        $(consts {
            $($(#[$constant_about:meta])*
            const $constant:ident: $constant_kind:ty $(as $constant_spelled:literal)? = $value:expr;)*
        })?
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$field_about])* pub $field: $kind,)*
        }

        $(impl $name {
            $($(#[$constant_about])* pub const $constant: $constant_kind = $value;)*
        })?

        impl ::std::default::Default for $name {
            fn default() -> Self {
                Self { $($field: message!(@default $($default)?),)* }
            }
        }

        impl $crate::msg::Message for $name {
            const TYPE: &'static str = $type_name;

            fn describe() -> $crate::msg::Description {
                $crate::msg::Description {
                    type_name: Self::TYPE.into(),
                    constants: vec![$($($crate::msg::Constant {
                        name: stringify!($constant).into(),
                        kind: message!(@kind $constant_kind $(as $constant_spelled)?),
                        value: Self::$constant.to_string(),
                    }),*)?],
                    fields: vec![$($crate::msg::describe::Field {
                        name: stringify!($field).trim_start_matches("r#").into(),
                        kind: message!(@kind $kind $(as $spelled)?),
                    }),*],
                }
            }
        }

        impl $crate::msg::Field for $name {
            const LEAST: usize = message!(@least $($kind),*);

            fn kind() -> $crate::msg::Kind {
                let own = <Self as $crate::msg::Message>::TYPE.into();
                $crate::msg::Kind::one($crate::msg::Element::Message(own))
            }

            fn gather(family: &mut Vec<$crate::msg::Description>) {
                let own = <Self as $crate::msg::Message>::TYPE;
                if family.iter().all(|member| member.type_name != own) {
                    family.push(<Self as $crate::msg::Message>::describe());
                    $(<$kind as $crate::msg::Field>::gather(family);)*
                }
            }

            message!(@bytes $($field)*);
        }
    };

    // As above, with the plainer head that all but services use.
    ($(#[$about:meta])* pub struct $name:ident: $type_name:literal { $($fields:tt)* } $($consts:tt)*) => {
        message! { $(#[$about])* pub struct $name: $type_name => { $($fields)* } $($consts)* }
    };

    (@default) => { ::std::default::Default::default() };
    (@default $default:expr) => { $default };

    (@kind $kind:ty) => { <$kind as $crate::msg::Field>::kind() };
    (@kind $kind:ty as $spelled:literal) => {
        $crate::msg::definition::kind($spelled, Self::TYPE).expect("a message spells its own types rightly")
    };

    (@least) => { 1 };
    (@least $($kind:ty),+) => { 0 $(+ <$kind as $crate::msg::Field>::LEAST)+ };

    // An empty message is one byte on the wire: an IDL structure cannot be empty.
    (@bytes) => {
        fn write(&self, out: &mut $crate::msg::cdr::Writer) {
            $crate::msg::Field::write(&0_u8, out);
        }

        fn read(input: &mut $crate::msg::cdr::Reader<'_>) -> Result<Self, $crate::msg::Error> {
            input.skip_filler();
            Ok(Self {})
        }
    };
    (@bytes $($field:ident)+) => {
        fn write(&self, out: &mut $crate::msg::cdr::Writer) {
            $($crate::msg::Field::write(&self.$field, out);)+
        }

        fn read(input: &mut $crate::msg::cdr::Reader<'_>) -> Result<Self, $crate::msg::Error> {
            Ok(Self { $($field: $crate::msg::Field::read(input)?,)+ })
        }
    };
}

/// Makes a service of two lists of fields, each a message of its own. Constants may follow what is asked.
macro_rules! service {
    (
        $(#[$about:meta])*
        pub struct $name:ident: $type_name:literal;
        $(#[$request_about:meta])*
        pub struct $request:ident { $($request_fields:tt)* }
        $(consts $request_consts:tt)?
        $(#[$response_about:meta])*
        pub struct $response:ident { $($response_fields:tt)* }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl $crate::msg::Service for $name {
            const TYPE: &'static str = $type_name;
            type Request = $request;
            type Response = $response;
        }

        message! {
            $(#[$request_about])*
            pub struct $request: concat!($type_name, "_Request") => { $($request_fields)* }
            $(consts $request_consts)?
        }

        message! {
            $(#[$response_about])*
            pub struct $response: concat!($type_name, "_Response") => { $($response_fields)* }
        }
    };
}
