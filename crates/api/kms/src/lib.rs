//! strongroom-api-kms
