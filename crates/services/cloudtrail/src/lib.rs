//! strongroom-cloudtrail
