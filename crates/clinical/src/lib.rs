//! The rules of what only the two participants may see.
