//! QR codes (ISO/IEC 18004) as pictures that a page shows without asking for anything.
use data_encoding::BASE64;
use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, QrCode};

use crate::cli::Failure;

/// Pixels of a module's side.
const SCALE: usize = 6;
/// Modules of white around the code, as the standard asks for.
const QUIET: usize = 4;

/// A `data:` URL (RFC 2397) of a PNG that shows `text` as a QR code, black on white.
///
/// # Errors
/// When the text is longer than any QR code can hold.
pub fn data_url(text: &str) -> Result<String, Failure> {
    let code = QrCode::new(text)?;
    let side = (code.width() + 2 * QUIET) * SCALE;
    let modules = code.to_colors();
    let shade = |pixel: usize| {
        let place = |pixel: usize| (pixel / SCALE).checked_sub(QUIET).filter(|at| *at < code.width());
        let (row, column) = (place(pixel / side), place(pixel % side));
        let module = row.zip(column).and_then(|(row, column)| modules.get(row * code.width() + column));
        if module == Some(&Color::Dark) { 0 } else { u8::MAX }
    };
    let pixels: Vec<u8> = (0..side * side).map(shade).collect();
    let mut picture = Vec::new();
    let pixels_a_side = u32::try_from(side)?;
    let mut encoder = Encoder::new(&mut picture, pixels_a_side, pixels_a_side);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(format!("data:image/png;base64,{}", BASE64.encode(&picture)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::io::Cursor;

    use super::*;

    #[test]
    fn the_picture_is_the_code_in_its_quiet_zone() {
        let text = "otpauth://totp/HuntZen%20Care:lea.morel%40lumiere.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let url = data_url(text).unwrap();
        let picture = BASE64.decode(url.strip_prefix("data:image/png;base64,").unwrap().as_bytes()).unwrap();
        let mut reader = png::Decoder::new(Cursor::new(picture)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let code = QrCode::new(text).unwrap();
        let side = info.width as usize;
        assert_eq!(side, (code.width() + 8) * SCALE);
        let dark = |row: usize, column: usize| pixels.get((row * SCALE + 1) * side + column * SCALE + 1) == Some(&0);
        assert!((0..code.width() + 8).all(|at| !dark(0, at) && !dark(at, 3)), "white around it");
        for (at, color) in code.to_colors().into_iter().enumerate() {
            let (row, column) = (at / code.width() + QUIET, at % code.width() + QUIET);
            assert_eq!(dark(row, column), color == Color::Dark, "{row} {column}");
        }
        assert!(data_url(&"x".repeat(5_000)).is_err());
    }
}
