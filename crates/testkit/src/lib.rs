//! strongroom-testkit
