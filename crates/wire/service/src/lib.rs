//! strongroom-service
