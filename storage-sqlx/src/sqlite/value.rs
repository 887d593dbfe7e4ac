//! Keeps values of readings so that each comes back exactly as it was.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::reading::{Finite, Value, ValueText};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{Sqlite, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Database, Decode, Encode, Type, TypeInfo as _, ValueRef as _};

/// A value in a column of type ANY: its storage class tells its type.
#[derive(Debug)]
pub(super) struct Stored<V>(pub(super) V);

impl<V> Type<Sqlite> for Stored<V> {
    fn type_info() -> SqliteTypeInfo {
        <[u8] as Type<Sqlite>>::type_info()
    }

    fn compatible(_: &SqliteTypeInfo) -> bool {
        true
    }
}

impl Encode<'_, Sqlite> for Stored<&Value> {
    fn encode_by_ref(
        &self,
        buffer: &mut <Sqlite as Database>::ArgumentBuffer,
    ) -> Result<IsNull, BoxDynError> {
        match self.0 {
            Value::BigInt(integer) => Encode::<Sqlite>::encode_by_ref(integer, buffer),
            Value::Boolean(truth) => Encode::<Sqlite>::encode(vec![u8::from(*truth)], buffer),
            Value::Double(number) => Encode::<Sqlite>::encode(number.as_f64(), buffer),
            Value::Text(text) => Encode::<Sqlite>::encode(text.as_str(), buffer),
        }
    }
}

impl<'r> Decode<'r, Sqlite> for Stored<Value> {
    fn decode(stored: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        let class = stored.type_info().into_owned();
        let value = match class.name() {
            "INTEGER" => Value::BigInt(Decode::<Sqlite>::decode(stored)?),
            "REAL" => Value::Double(Finite::new(Decode::<Sqlite>::decode(stored)?)?),
            "TEXT" => {
                let text: &str = Decode::<Sqlite>::decode(stored)?;
                Value::Text(ValueText::new(text)?)
            }
            "BLOB" => match <&[u8] as Decode<Sqlite>>::decode(stored)? {
                [octet @ (0 | 1)] => Value::Boolean(*octet == 1),
                _ => return Err(Invalid::new("a truth value is one octet, 0 or 1").into()),
            },
            _ => return Err(Invalid::new("a value is not NULL").into()),
        };
        Ok(Self(value))
    }
}
