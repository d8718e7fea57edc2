//! strongroom-sigv4
