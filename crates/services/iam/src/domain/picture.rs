//! The picture that an authenticator application scans.

use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, QrCode};

use crate::error::Refusal;

/// Pixels of one module of the code.
const SCALE: usize = 4;

/// Modules of the white border, as the standard asks for (ISO/IEC 18004).
const BORDER: usize = 4;

/// What is white, a byte for each pixel.
const WHITE: u8 = 0xff;

/// A PNG of the QR code of `text`.
pub(crate) fn png(text: &str) -> Result<Vec<u8>, Refusal> {
    let code = QrCode::new(text).map_err(|error| Refusal::Internal(error.into()))?;
    let modules = code.width();
    let width = (modules + 2 * BORDER) * SCALE;
    let mut pixels = vec![WHITE; width * width];
    for (position, _) in code.to_colors().iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
        let (row, column) = (position / modules + BORDER, position % modules + BORDER);
        for line in pixels.chunks_exact_mut(width).skip(row * SCALE).take(SCALE) {
            if let Some(dark) = line.get_mut(column * SCALE..(column + 1) * SCALE) {
                dark.fill(0);
            }
        }
    }
    let mut picture = Vec::new();
    let mut encoder = Encoder::new(&mut picture, width as u32, width as u32);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.map_err(|error| Refusal::Internal(error.into()))?;
    Ok(picture)
}
