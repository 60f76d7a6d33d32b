//! Letters and the ways they leave: SMTP, .eml files.
