//! The ports of clinical: who cares for whom, and what only they may read.
mod calls;
mod care;
mod conversations;
mod journal;
mod notes;
mod retention;
mod writing;
