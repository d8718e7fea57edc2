//! strongroom-kms
