//! strongroom-schema
