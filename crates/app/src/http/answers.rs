//! The successful answers that routes have in common.
use actix_web::{HttpRequest, HttpResponse, Responder, http::header};
use serde::Serialize;
use utoipa::ToSchema;

/// 201 with `Location` and the thing that was made.
#[derive(Debug)]
pub struct Created<T> {
    /// Where it is found from now on.
    pub location: String,
    /// What it is.
    pub body: T,
}

impl<T> Created<T> {
    /// `body` was made and is found at `location`.
    pub fn at(location: impl Into<String>, body: T) -> Self {
        Self { location: location.into(), body }
    }
}

impl<T: Serialize> Responder for Created<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Created().insert_header((header::LOCATION, self.location)).json(self.body)
    }
}

/// 204.
#[derive(Clone, Copy, Debug)]
pub struct NoContent;

impl Responder for NoContent {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

/// A list that needs no paging.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Items<T> {
    /// Everything there is.
    #[schema(max_items = 10_000)]
    pub items: Vec<T>,
}

impl<T> Items<T> {
    /// Presents each of `items`.
    pub fn present<U: Into<T>>(items: Vec<U>) -> Self {
        Self { items: items.into_iter().map(Into::into).collect() }
    }
}
