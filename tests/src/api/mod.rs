//! The whole application in process, over either store, as a client and a mailbox see it.
mod answer;
mod appointments;
pub mod forms;
mod front;
mod listening;
mod played;
mod records;
mod serving;
mod shape;

pub use answer::Answer;
pub use front::{FarTallies, Front};
pub use listening::Listening;
pub use played::{PASSWORD, Played, consultation_at, weekly_rule};
pub use serving::{ApiWorld, NOBODY, WatchedStore};

/// Expands each named case once over each store; a case takes `&Played`.
#[macro_export]
macro_rules! api_suite {
    ($($case:ident),+ $(,)?) => {
        mod memory {
            use $crate::api::{ApiWorld, Played};
            $(#[actix_web::test] async fn $case() {
                super::$case(&Played::new(ApiWorld::memory().await).await).await;
            })+
        }
        mod postgres {
            use $crate::api::{ApiWorld, Played};
            $(#[actix_web::test] async fn $case() {
                super::$case(&Played::new(ApiWorld::postgres().await).await).await;
            })+
        }
    };
}
