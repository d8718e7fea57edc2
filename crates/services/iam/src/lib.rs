//! strongroom-iam
