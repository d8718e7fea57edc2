//! strongroom-runtime
