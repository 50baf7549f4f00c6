//! Objects, read without what serde lets pass: a list in their place, a member that stands twice.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::{Serialize, Serializer};

/// A `T` that must be written as a JSON object. Serde's derived types also accept a list of their members' values,
/// which in a document written by hand is a mistake.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

impl<T: Serialize> Serialize for Object<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The members of an object, in its order. A map would keep the last of those that stand twice without a word.
///
/// `expecting` says what is meant where something else stands, `repeated` what is wrong with a name that stands twice.
///
/// # Errors
/// If it is no object, a member is none of its type, or a name stands twice.
pub fn distinct_members<'de, K, V, D>(
    deserializer: D,
    expecting: &'static str,
    repeated: fn(&K) -> String,
) -> Result<Vec<(K, V)>, D::Error>
where
    K: Deserialize<'de> + Clone + Eq + Hash,
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Members<K, V>(&'static str, fn(&K) -> String, PhantomData<V>);

    impl<'de, K: Deserialize<'de> + Clone + Eq + Hash, V: Deserialize<'de>> Visitor<'de> for Members<K, V> {
        type Value = Vec<(K, V)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Vec<(K, V)>, A::Error> {
            let (mut found, mut names) = (Vec::new(), HashSet::new());
            while let Some((name, value)) = members.next_entry::<K, V>()? {
                if !names.insert(name.clone()) {
                    return Err(A::Error::custom((self.1)(&name)));
                }
                found.push((name, value));
            }
            Ok(found)
        }
    }

    deserializer.deserialize_map(Members(expecting, repeated, PhantomData))
}
