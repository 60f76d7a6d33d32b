//! Every port, over plain maps.
