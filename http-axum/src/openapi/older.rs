//! The document in the words of OpenAPI 3.0.

use serde_json::{Map, Value};

/// Converts a document of OpenAPI 3.1 to 3.0.3, as far as ours needs it.
pub(super) fn convert(document: &mut Value) {
    if let Some(document) = document.as_object_mut() {
        document.insert("openapi".to_owned(), Value::from("3.0.3"));
        if let Some(license) = document
            .get_mut("info")
            .and_then(|info| info.get_mut("license"))
            .and_then(Value::as_object_mut)
        {
            license.remove("identifier");
        }
    }
    visit(document);
}

fn visit(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(visit),
        Value::Object(members) => {
            members.values_mut().for_each(visit);
            unite_null(members);
            name_null(members);
            if members.contains_key("in") && members.contains_key("name") {
                drop_null_of_parameter(members);
            }
            if members
                .get("format")
                .is_some_and(|format| format == "binary")
            {
                members.insert("type".to_owned(), Value::from("string"));
            }
            members.remove("propertyNames");
            // Beside a reference, 3.0 ignores everything.
            if members.contains_key("$ref") && members.len() > 1 {
                let reference = members.remove("$ref").map(|to| {
                    let member = ("$ref".to_owned(), to);
                    Value::Array(vec![Value::Object(Map::from_iter([member]))])
                });
                members.extend(reference.map(|all| ("allOf".to_owned(), all)));
            }
        }
        _ => {}
    }
}

/// `type: [T, null]` is `type: T, nullable: true`.
fn name_null(members: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = members.get("type") else {
        return;
    };
    let mut types = types.clone();
    let before = types.len();
    types.retain(|kind| kind != "null");
    let nullable = types.len() < before;
    if let [only] = types.as_slice() {
        members.insert("type".to_owned(), only.clone());
    }
    if nullable {
        members.insert("nullable".to_owned(), Value::Bool(true));
    }
}

/// `oneOf: [T, {type: null}]` is `allOf: [T], nullable: true`.
fn unite_null(members: &mut Map<String, Value>) {
    let Some(Value::Array(variants)) = members.get("oneOf") else {
        return;
    };
    let mut variants = variants.clone();
    let before = variants.len();
    variants.retain(|variant| variant.get("type").is_none_or(|kind| kind != "null"));
    if variants.len() < before {
        members.remove("oneOf");
        members.insert("allOf".to_owned(), Value::Array(variants));
        members.insert("nullable".to_owned(), Value::Bool(true));
    }
}

/// A parameter that is not there is not null.
fn drop_null_of_parameter(parameter: &mut Map<String, Value>) {
    let schema = parameter.get_mut("schema").and_then(Value::as_object_mut);
    if let Some(schema) = schema {
        schema.remove("nullable");
    }
}
