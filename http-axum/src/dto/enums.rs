//! Enumerations: named schemas over the model's types, written as the model writes them.

use fieldgate_core::model::api_key::Scope as ModelScope;
use fieldgate_core::model::certificate;
use fieldgate_core::model::component::ComponentOrigin as ModelComponentOrigin;
use fieldgate_core::model::health::ConnectionType as ModelConnectionType;
use fieldgate_core::model::presence::DeviceStatus as ModelDeviceStatus;
use fieldgate_core::model::quarantine::QuarantineReason as ModelQuarantineReason;
use fieldgate_core::model::sensor;
use fieldgate_core::model::token::TokenState as ModelTokenState;
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! enums {
    ($($(#[doc = $doc:literal])+ $name:ident over $model:ty = $values:expr;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name(pub(crate) $model);

        impl $name {
            /// All values.
            pub(crate) const ALL: &[$model] = &$values;
        }

        impl From<$model> for $name {
            fn from(value: $model) -> Self {
                Self(value)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let values = Self::ALL.iter().map(ToString::to_string);
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(concat!($($doc),+).trim()))
                    .enum_values(Some(values))
                    .into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

enums! {
    /// The state of a certificate.
    CertificateState over certificate::CertificateState = [
        certificate::CertificateState::Active,
        certificate::CertificateState::Superseded,
        certificate::CertificateState::Revoked,
        certificate::CertificateState::Expired,
    ];

    /// How a component came about: by an operator, or by its device.
    ComponentOrigin over ModelComponentOrigin = [
        ModelComponentOrigin::Manual,
        ModelComponentOrigin::Announced,
    ];

    /// How a device is connected.
    ConnectionType over ModelConnectionType = ModelConnectionType::ALL;

    /// The status of a device. An operator sets ACTIVE, INACTIVE or MAINTENANCE; the others come
    /// about by themselves.
    DeviceStatus over ModelDeviceStatus = ModelDeviceStatus::ALL;

    /// Why an item was quarantined.
    QuarantineReason over ModelQuarantineReason = ModelQuarantineReason::ALL;

    /// Why a certificate was revoked (RFC 5280).
    RevocationReason over certificate::RevocationReason = certificate::RevocationReason::ALL;

    /// What an API key may do.
    Scope over ModelScope = [
        ModelScope::Admin,
        ModelScope::CommandsWrite,
        ModelScope::DataRead,
        ModelScope::DevicesRead,
        ModelScope::DevicesWrite,
        ModelScope::TokensWrite,
        ModelScope::Server,
    ];

    /// The state of a registration token.
    TokenState over ModelTokenState = [
        ModelTokenState::Pending,
        ModelTokenState::Used,
        ModelTokenState::Revoked,
        ModelTokenState::Expired,
    ];

    /// Where the type of a sensor comes from.
    TypeOrigin over sensor::TypeOrigin = [
        sensor::TypeOrigin::Profile,
        sensor::TypeOrigin::Announced,
        sensor::TypeOrigin::Inferred,
    ];

    /// The type of a sensor's values.
    ValueType over sensor::ValueType = sensor::ValueType::ALL;
}
