//! Every port, over PostgreSQL.
