//! Closed vocabularies: enums whose values travel as one upper-case word.

/// A closed vocabulary whose every value has one stable word, the same in SQL, JSON and Rust.
pub trait Words: Copy + Eq + Sized + 'static {
    /// Every value, in the order of its declaration.
    const ALL: &'static [Self];

    /// The value's word, in `UPPER_SNAKE` case.
    fn as_str(self) -> &'static str;

    /// Other words that are accepted on input and never written.
    fn aliases(self) -> &'static [&'static str] {
        &[]
    }

    /// The value that `word` names, in any case; `None` for a word that is not of the vocabulary.
    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| {
            value.as_str().eq_ignore_ascii_case(word)
                || value.aliases().iter().any(|alias| alias.eq_ignore_ascii_case(word))
        })
    }
}

/// Declares an enum that is a closed vocabulary: `Words`, `Display`, `FromStr` and serde by word.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$about:meta])* $value:ident = $word:literal $(| $alias:literal)*),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$about])* $value),* }

        impl $crate::words::Words for $name {
            const ALL: &'static [Self] = &[$(Self::$value),*];
            fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word),* }
            }
            fn aliases(self) -> &'static [&'static str] {
                match self { $(Self::$value => &[$($alias),*]),* }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str($crate::words::Words::as_str(*self))
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.serialize_str($crate::words::Words::as_str(*self))
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let word = <::std::borrow::Cow<'de, str> as ::serde::Deserialize>::deserialize(from)?;
                <Self as $crate::words::Words>::parse(&word).ok_or_else(|| {
                    ::serde::de::Error::custom("not one of the words that this field takes")
                })
            }
        }
    };
}
