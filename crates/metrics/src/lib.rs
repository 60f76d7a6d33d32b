//! Usage counters, exact for practitioners.
