//! How the operations refuse, for the API's description.

use crate::problem::{Code, MEDIA_TYPE};
use http::StatusCode;
use std::collections::BTreeMap;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

/// What everything that needs an access token may answer.
pub(super) const SIGNED_IN: &[Code] = &[Code::Unauthorized, Code::Misconfigured, Code::TryAgain];

/// What everything that reads a body may answer, too.
pub(super) const WITH_BODY: &[Code] = &[Code::InvalidRequest, Code::BodyTooLarge, Code::UnsupportedMediaType];

/// Makes a type that stands for an operation's refusals among its `responses`: those of the named lists, and its own.
macro_rules! refusals {
    ($name:ident: $($list:ident),+; $($code:ident),+) => {
        enum $name {}

        impl utoipa::IntoResponses for $name {
            fn responses() -> $crate::api::refusals::Responses {
                use $crate::problem::Code;
                $crate::api::refusals::of(&[$($crate::api::refusals::$list,)+ &[$(Code::$code),+]])
            }
        }
    };
}
pub(super) use refusals;

pub(super) type Responses = BTreeMap<String, RefOr<Response>>;

/// The refusals by their HTTP status. A description names the codes.
pub(super) fn of(lists: &[&[Code]]) -> Responses {
    let mut by_status: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for code in lists.iter().copied().flatten() {
        by_status.entry(code.status()).or_default().push(code.name());
    }
    let content = |schema| Content::new(Some(Ref::from_schema_name(schema)));
    let response = |(status, codes): (StatusCode, Vec<_>)| {
        let mut response = ResponseBuilder::new().description(codes.join(", ")).content(MEDIA_TYPE, content("Problem"));
        if status == StatusCode::UNAUTHORIZED {
            response = response.content("application/json", content("GatewayRefusal"));
        }
        (status.as_str().to_owned(), response.build().into())
    };
    by_status.into_iter().map(response).collect()
}
