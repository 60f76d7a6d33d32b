//! Identifiers: one type for each kind of thing, so that none is passed for another.

/// Declares a transparent `Uuid` wrapper.
#[macro_export]
macro_rules! typed_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub ::uuid::Uuid);

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<::uuid::Uuid> for $name {
            fn from(id: ::uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for ::uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

typed_id!(
    /// A person's account, of any role.
    UserId
);
typed_id!(
    /// A customer company: the tenant.
    CompanyId
);
typed_id!(
    /// A person's place in a company's list of beneficiaries.
    EmployeeId
);
typed_id!(
    /// One sign-in on one device; the family of its refresh tokens.
    SessionId
);
typed_id!(
    /// One article.
    ArticleId
);
typed_id!(
    /// One piece of a company's news.
    NewsId
);
typed_id!(
    /// One message in a person's in-app inbox.
    NotificationId
);
