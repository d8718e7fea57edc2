//! strongroom-api-sts
