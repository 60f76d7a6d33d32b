//! What is published: articles for everybody, and the news of a company for its people.
mod article;
mod editing;
mod manuscript;
mod news;
mod newsroom;
mod ports;
mod text;
mod visit;

pub use article::{Article, ArticleFilter, ArticleName, ArticleStatus, Articles};
pub use editing::{ArticleEditing, ArticleReading};
pub use manuscript::{ArticleChange, NewArticle};
pub use news::{CompanyNews, NewNews, News, NewsChange};
pub use newsroom::Newsroom;
pub use ports::ContentPorts;
pub use text::{LONGEST_CONTENT, LONGEST_HTML, Markdown, RenderedText, TooComplex};
pub use visit::{ArticleVisits, DaySalt, VisitCounting, Visitor, VisitorKey, VisitorKeys};
