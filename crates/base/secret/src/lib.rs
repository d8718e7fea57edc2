//! strongroom-secret
