//! strongroom-identity
