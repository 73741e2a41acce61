use furlough::predict::Picture;

/// The picture as a PNG file. The same picture gives the same bytes.
///
/// # Errors
/// What is wrong with the picture: no pixels, or not as many as its sides say.
pub fn picture_png(picture: &Picture) -> crate::Result<Vec<u8>> {
    let Picture { width, height, rgb } = picture;
    encode([*width, *height], rgb).map_err(|reason| crate::Error::data("picture", reason))
}

/// Rows of red, green and blue as a PNG file.
pub(super) fn encode(size: [usize; 2], rgb: &[u8]) -> Result<Vec<u8>, String> {
    let mut png = Vec::new();
    let [Ok(width), Ok(height)] = size.map(u32::try_from) else {
        return Err(format!("{} × {} pixels are too many for a PNG file", size[0], size[1]));
    };
    let mut encoder = png::Encoder::new(&mut png, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(rgb));
    written.map_err(|error| error.to_string())?;
    Ok(png)
}
