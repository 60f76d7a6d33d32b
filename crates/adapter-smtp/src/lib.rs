//! Letters in the recipient's language, and the ways they leave: SMTP, `.eml` files, memory.
mod file;
mod letters;
mod message;
mod recording;
mod sender;
mod smtp;

pub use file::FileMailer;
pub use letters::{BrokenTemplate, HandlebarsLetters};
pub use recording::RecordingMailer;
pub use sender::{InvalidSender, Sender};
pub use smtp::{SmtpCredentials, SmtpMailer, SmtpSecurity, SmtpServer, UnusableServer};
