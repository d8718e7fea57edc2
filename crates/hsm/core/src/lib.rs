//! strongroom-hsm-core
