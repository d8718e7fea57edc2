//! strongroom-protocols
