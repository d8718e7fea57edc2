//! The two forms of generated types, so that generated code states facts only.

/// Implements [`Structure`](crate::Structure) and [`Shape`](crate::Shape) for a struct of the `api` crates.
/// Required members are held as they are, the others in an `Option`; the numbers are the members'
/// positions in the schema. A member that streams is no value: it is named last, and has no position.
///
/// ```ignore
/// structure!(EncryptRequest, ENCRYPT_REQUEST, required { 0 key_id }, optional { 1 encryption_context });
/// structure!(PutObjectRequest, PUT_OBJECT_REQUEST, required { 1 bucket }, optional { 2 acl }, stream body);
/// ```
#[macro_export]
macro_rules! structure {
    (
        $type:ident, $schema:path,
        required { $($required_at:literal $required:ident)* },
        optional { $($optional_at:literal $optional:ident)* }
        $(, stream $stream:ident)?
    ) => {
        impl $crate::Structure for $type {
            fn schema(&self) -> &'static $crate::Schema {
                &$schema
            }

            fn member(&self, index: usize) -> Option<$crate::Value<'_>> {
                match index {
                    $($required_at => Some($crate::Shape::value(&self.$required)),)*
                    $($optional_at => self.$optional.as_ref().map($crate::Shape::value),)*
                    _ => None,
                }
            }

            fn read_member(
                &mut self,
                index: usize,
                reader: &mut dyn $crate::Reader,
            ) -> Result<(), $crate::ReadError> {
                match index {
                    $($required_at => self.$required = $crate::Shape::read(reader)?,)*
                    $($optional_at => self.$optional = Some($crate::Shape::read(reader)?),)*
                    _ => {}
                }
                Ok(())
            }

            $(
                fn stream(&mut self) -> Option<&mut Option<$crate::ByteStream>> {
                    Some(&mut self.$stream)
                }
            )?
        }

        impl $crate::Shape for $type {
            fn read(reader: &mut dyn $crate::Reader) -> Result<Self, $crate::ReadError> {
                let mut structure = Self::default();
                reader.structure(&mut structure)?;
                Ok(structure)
            }

            fn value(&self) -> $crate::Value<'_> {
                $crate::Value::Structure(self)
            }
        }
    };
}

/// Declares an enum that AWS may extend: the known values, and `Unknown` for the rest. An unset required
/// enum is `Unknown` of the empty text, which validation refuses.
#[macro_export]
macro_rules! open_enum {
    ($(#[$attribute:meta])* $type:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $type {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
            /// A value that the model does not know.
            Unknown(String),
        }

        impl $type {
            /// The value as the API writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<&str> for $type {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    _ => Self::Unknown(text.to_owned()),
                }
            }
        }

        impl Default for $type {
            fn default() -> Self {
                Self::Unknown(String::new())
            }
        }

        impl $crate::Shape for $type {
            fn read(reader: &mut dyn $crate::Reader) -> Result<Self, $crate::ReadError> {
                Ok(Self::from(reader.string()?.as_str()))
            }

            fn value(&self) -> $crate::Value<'_> {
                $crate::Value::String(self.as_str())
            }
        }
    };
}
