//! strongroom-journal
