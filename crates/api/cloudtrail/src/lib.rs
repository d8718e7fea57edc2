//! strongroom-api-cloudtrail
